package testenv

import (
	"os"
	"testing"
)

// Integration skips a test that takes minutes or the network, unless APT_OSTREE_INTEGRATION is 1,
// as `make integration` sets it, and then asks for needs as [Need] does.
func Integration(t testing.TB, needs ...Requirement) {
	t.Helper()
	if os.Getenv("APT_OSTREE_INTEGRATION") != "1" {
		t.Skip("an integration test: run `make integration`")
	}
	Need(t, needs...)
}
