package solver_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

const (
	// versionPairs are compared by Dpkg::Version in one process, dpkgPairs of them by dpkg as well.
	versionPairs = 100_000
	dpkgPairs    = 2_000
)

// TestVersionsAgreeWithDpkg compares real versions of Debian 12 and mutations of them.
func TestVersionsAgreeWithDpkg(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	testenv.Need(t, testenv.Tool("perl"), testenv.Tool("dpkg"))
	pairs := versionsOf(d, versionPairs)
	ours := make([]string, len(pairs))
	for i, p := range pairs {
		a, err := version.Parse(p[0])
		require.NoError(t, err)
		b, err := version.Parse(p[1])
		require.NoError(t, err)
		ours[i] = fmt.Sprint(version.Compare(a, b))
	}
	const perl = `use Dpkg::Version; while (<>) { my ($a, $b) = split; print version_compare($a, $b), "\n" }`
	require.Equal(t, ours, compareBy(t, pairs, "perl", "-e", perl))
	const sh = `while read a b; do if dpkg --compare-versions $a lt $b; then echo -1; elif dpkg --compare-versions $a eq $b; then echo 0; else echo 1; fi; done`
	require.Equal(t, ours[:dpkgPairs], compareBy(t, pairs[:dpkgPairs], "sh", "-c", sh))
}

// compareBy gives pairs to a program, a line each, and returns its lines.
func compareBy(t *testing.T, pairs [][2]string, name string, args ...string) []string {
	t.Helper()
	var in bytes.Buffer
	for _, p := range pairs {
		fmt.Fprintln(&in, p[0], p[1])
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = &in
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// versionsOf makes n pairs: of any two versions, of a version and a mutation of it, of two mutations.
func versionsOf(d *debian, n int) [][2]string {
	var all []string
	for _, p := range d.packages {
		all = append(all, p.Version.String())
	}
	slices.Sort(all)
	all = slices.Compact(all)
	r := rand.New(rand.NewPCG(4, 12))
	var pairs [][2]string
	for len(pairs) < n {
		a := all[r.IntN(len(all))]
		p := [2]string{a, all[r.IntN(len(all))]}
		if kind := r.IntN(4); kind > 0 {
			p[1] = mutate(r, a)
			if kind == 3 {
				p[0] = mutate(r, a)
			}
		}
		if valid(p[0]) && valid(p[1]) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func valid(text string) bool {
	_, err := version.Parse(text)
	return err == nil
}

// mutate changes a few characters of a version.
func mutate(r *rand.Rand, text string) string {
	const alphabet = "0019aAzZ~+.-:"
	b := []byte(text)
	for range 1 + r.IntN(3) {
		at, c := r.IntN(len(b)), alphabet[r.IntN(len(alphabet))]
		switch r.IntN(3) {
		case 0:
			b[at] = c
		case 1:
			b = slices.Insert(b, at, c)
		case 2:
			if len(b) > 1 {
				b = slices.Delete(b, at, at+1)
			}
		}
	}
	return string(b)
}
