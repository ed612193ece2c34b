package testenv_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// recorder stands in for the test that states a need.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Skipf(format string, args ...any)  { r.skipped = fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func TestNeedSkipsOnALaptop(t *testing.T) {
	t.Setenv("APT_OSTREE_REQUIRE", "")
	r := &recorder{TB: t}
	testenv.Need(r, testenv.Tool("no-such-program"))
	require.Contains(t, r.skipped, "needs tool no-such-program")
	require.Empty(t, r.failed)
}

func TestNeedFailsWhereItIsRequired(t *testing.T) {
	t.Setenv("APT_OSTREE_REQUIRE", "1")
	r := &recorder{TB: t}
	testenv.Need(r, testenv.Tool("no-such-program"))
	require.Contains(t, r.failed, "needs tool no-such-program")
	require.Empty(t, r.skipped)
}

func TestNeedIsQuietWhenMet(t *testing.T) {
	t.Setenv("APT_OSTREE_REQUIRE", "1")
	r := &recorder{TB: t}
	testenv.Need(r, testenv.Tool("go"))
	require.Empty(t, r.failed+r.skipped)
}
