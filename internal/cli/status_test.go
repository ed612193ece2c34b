package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestStatusText holds the text against rpm-ostree's form: keys right-aligned to 23 columns, lists
// sorted without regard to case, quoted for the shell and wrapped.
func TestStatusText(t *testing.T) {
	t.Parallel()
	many := []string{"Zsh", "apache2", "g++"}
	for range 6 {
		many = append(many, "a-rather-long-package-name")
	}
	status := &txn.Status{Deployments: []txn.DeploymentStatus{
		{
			Origin: "debian:debian/bookworm", Osname: "debian", Checksum: strings.Repeat("a", 64), BaseChecksum: strings.Repeat("b", 64),
			Version: "12.1", BaseTimestamp: 1750000000, Packages: many, RequestedPackages: append([]string{"bash"}, many...), Pinned: true, Unlocked: "none",
		},
		{Origin: "local", Osname: "debian", Checksum: strings.Repeat("c", 64), Timestamp: 1750000000, Booted: true, Unlocked: "development", EndOfLife: "no more"},
		{Unlocked: "none", Osname: "other", Checksum: strings.Repeat("d", 64), Version: "1", Timestamp: 0},
	}}
	for verbose, want := range map[bool]string{
		false: `State: idle
Deployments:
  debian:debian/bookworm
                  Version: 12.1 (2025-06-15T15:06:40Z)
               BaseCommit: ` + strings.Repeat("b", 64) + `
                StateRoot: debian
          LayeredPackages: a-rather-long-package-name a-rather-long-package-name
                           a-rather-long-package-name a-rather-long-package-name
                           a-rather-long-package-name a-rather-long-package-name apache2
                           g++ Zsh
                   Pinned: yes

● local
                Timestamp: 2025-06-15T15:06:40Z
                   Commit: ` + strings.Repeat("c", 64) + `
                StateRoot: debian
                 Unlocked: development
                EndOfLife: no more

  ` + strings.Repeat("d", 64) + `
                  Version: 1 (1970-01-01T00:00:00Z)
                   Commit: ` + strings.Repeat("d", 64) + `
                StateRoot: other
`,
		true: `State: idle
Deployments:
  debian:debian/bookworm (index: 0)
                  Version: 12.1 (2025-06-15T15:06:40Z)
               BaseCommit: ` + strings.Repeat("b", 64) + `
                   Commit: ` + strings.Repeat("a", 64) + `
                   Staged: no
                StateRoot: debian
         InactiveRequests: bash
`,
	} {
		var out bytes.Buffer
		cli.PrintStatus(&out, status, verbose)
		if verbose {
			require.True(t, strings.HasPrefix(out.String(), want), out.String())
		} else {
			require.Equal(t, want, out.String())
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "999 bytes", cli.Size(999))
	require.Equal(t, "1.0 kB", cli.Size(1000))
	require.Equal(t, "12.3 MB", cli.Size(12_345_678))
	require.Equal(t, "g++", cli.ShellQuote("g++"))
	require.Equal(t, "''", cli.ShellQuote(""))
	require.Equal(t, `'a b'\''c'`, cli.ShellQuote("a b'c"))
}
