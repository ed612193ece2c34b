package compose_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

func TestNextVersion(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ prefix, suffix, parent, want string }{
		{"22", "", "", "22"},
		{"22", "", "22", "22.1"},
		{"22", "", "22.1", "22.2"},
		{"22", "", "21.7", "22"},
		{"22", "", "22.x", "22"},
		{"22.1", "", "22.1", "22.1.1"},
		{"22.<date:%Y>", "", "", "22.2026.0"},
		{"22.<date:%Y>", "", "22.2026.0", "22.2026.1"},
		{"22.<date:%Y>", "", "22.2025.4", "22.2026.0"},
		{"22.<date:%Y>.1", "", "22.2026.1.0", "22.2026.1.1"},
		{"<date:%Y%m%d>", "-", "20260309-4", "20260309-5"},
	} {
		got, err := compose.NextVersion(c.prefix, c.suffix, c.parent, now)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}
	for _, bad := range []string{"<date:%Y", "<date:%Q>", "<date:%>"} {
		_, err := compose.NextVersion(bad, "", "", now)
		require.ErrorContains(t, err, "automatic-version-prefix", bad)
	}
}
