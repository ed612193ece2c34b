package txn

// InitramfsArgs is initramfsArgs, for tests.
var InitramfsArgs = (*System).initramfsArgs

// RemovedValue is removedValue, for tests.
var RemovedValue = removedValue
