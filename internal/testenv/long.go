package testenv

import (
	"os"
	"testing"
)

// Long skips a test that keeps a processor busy for a quarter of an hour or more, unless APT_OSTREE_LONG is 1, as
// `make long-test` sets it, and then asks for needs as [Need] does.
func Long(t testing.TB, needs ...Requirement) {
	t.Helper()
	if os.Getenv("APT_OSTREE_LONG") != "1" {
		t.Skip("a test of a quarter of an hour or more: run `make long-test`")
	}
	Need(t, needs...)
}
