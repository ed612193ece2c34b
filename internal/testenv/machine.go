package testenv

import (
	"os"
	"testing"
)

// Machine skips a test that boots a machine, which takes minutes of both cores, unless APT_OSTREE_VM is
// 1, as `make vm-test` sets it, and then asks for needs as [Need] does.
func Machine(t testing.TB, needs ...Requirement) {
	t.Helper()
	if os.Getenv("APT_OSTREE_VM") != "1" {
		t.Skip("a test that boots a machine: run `make vm-test`")
	}
	Need(t, needs...)
}
