package txn

// InitramfsArgs is initramfsArgs, for tests.
var InitramfsArgs = (*System).initramfsArgs
