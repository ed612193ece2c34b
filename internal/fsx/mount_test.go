package fsx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

func TestUnescapeMount(t *testing.T) {
	t.Parallel()
	for escaped, path := range map[string]string{
		"/mnt":           "/mnt",
		`/media/a\040b`:  "/media/a b",
		`/x\134y\011z`:   "/x\\y\tz",
		`/short\04`:      `/short\04`,
		`/not/octal\999`: `/not/octal\999`,
	} {
		require.Equal(t, path, fsx.UnescapeMount(escaped))
	}
}
