package testenv

import (
	"os"
	"syscall"
	"testing"
)

// WriteProgram writes a file that a test is going to run. This process starts no other meanwhile:
// that would have the file open for writing up to its own exec, and until then running the file fails
// with ETXTBSY, see execve(2).
func WriteProgram(t testing.TB, path string, content []byte, mode os.FileMode) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
}
