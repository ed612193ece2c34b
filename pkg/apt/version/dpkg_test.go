package version_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// TestCompareAgreesWithDpkg asks dpkg about the vectors and generated pairs, many of which differ in
// one character only, by a single shell.
func TestCompareAgreesWithDpkg(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("dpkg"))
	random := 2000
	if testing.Short() {
		random = 100
	}
	pairs := generate(random)
	var script strings.Builder
	script.WriteString("ask() { if dpkg --compare-versions $1 lt $2; then echo -1; elif dpkg --compare-versions $1 eq $2; then echo 0; else echo 1; fi; }\n")
	for _, p := range pairs {
		fmt.Fprintf(&script, "ask '%s' '%s'\n", p[0], p[1])
	}
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	require.NoError(t, err)
	answers := strings.Fields(string(out))
	require.Len(t, answers, len(pairs))
	for i, p := range pairs {
		require.Equal(t, answers[i], fmt.Sprint(version.Compare(parse(t, p[0]), parse(t, p[1]))), "%s %s", p[0], p[1])
	}
}

func generate(random int) [][2]string {
	var pairs [][2]string
	for i := range vectors {
		for j := range i + 1 {
			pairs = append(pairs, [2]string{vectors[i][0], vectors[j][0]})
		}
	}
	const alphabet = "00123459aAzZ~~++..-"
	r := rand.New(rand.NewPCG(1, 2))
	for range random {
		a := []byte{'1'}
		for range r.IntN(8) {
			a = append(a, alphabet[r.IntN(len(alphabet))])
		}
		b := append([]byte(nil), a...)
		b = append(b, alphabet[r.IntN(len(alphabet)-1)])
		b[1+r.IntN(len(b)-1)] = alphabet[r.IntN(len(alphabet)-1)]
		p := [2]string{strings.TrimRight(string(a), "-"), strings.TrimRight(string(b), "-")}
		if r.IntN(10) == 0 {
			p[r.IntN(2)] = "1:" + p[0]
		}
		pairs = append(pairs, p)
	}
	return pairs
}
