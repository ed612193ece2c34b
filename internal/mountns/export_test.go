package mountns

// Remount is remount, for tests in a namespace of their own.
var Remount = remount
