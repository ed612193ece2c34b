package txn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestInitramfsArgs reads what the base was composed with.
func TestInitramfsArgs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for treefile, c := range map[string]struct {
		want []string
		err  string
	}{
		"":                                    {nil, ""},
		"{}":                                  {nil, ""},
		`{"initramfs-args": ["--omit", "a"]}`: {[]string{"--omit", "a"}, ""},
		"[":                                   {nil, "/usr/share/apt-ostree/treefile.json of base "},
	} {
		tree := ostreetest.Tree{"usr/share/version": ostreetest.File("1")}
		if treefile != "" {
			tree["usr/share/apt-ostree/treefile.json"] = ostreetest.File(treefile)
		}
		commit := ostreetest.Commit(t, h.Repo(), "base", tree)
		got, err := txn.InitramfsArgs(h.System, t.Context(), commit)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}
