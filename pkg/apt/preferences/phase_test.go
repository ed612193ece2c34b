package preferences_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
)

// TestMachineNumber has numbers that a program of g++ drew.
func TestMachineNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"apt-2.7.14-0123456789abcdef0123456789abcdef":               85,
		"linux-6.8.0-1-ffff":                                        89,
		"systemd-255.4-1ubuntu8.4-deadbeefdeadbeefdeadbeefdeadbeef": 64,
		"a":  94,
		"b":  13,
		"cc": 86,
	} {
		require.Equal(t, want, preferences.MachineNumber(text), text)
	}
}
