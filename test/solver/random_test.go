package solver_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

func TestRandom(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	n, _ := strconv.Atoi(os.Getenv("N"))
	names := d.universe.Names()
	same, differ, bothfail, onefail := 0, 0, 0, 0
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	for seed := uint64(from); seed < uint64(n); seed++ {
		r := rand.New(rand.NewPCG(seed, 12))
		var request []string
		_ = slices.Sort[[]string]
		for range 1 + r.IntN(8) {
			request = append(request, names[r.IntN(len(names))])
		}
		slices.Sort(request)
		theirs, err := d.apt().Ask(t.Context(), append([]string{"install"}, request...)...)
		s, ourErr := solve.Solve(t.Context(), d.universe, solve.Request{Architecture: "amd64", Installed: d.minimal, Recommends: true, Install: request})
		switch {
		case err != nil && ourErr != nil:
			bothfail++
		case err != nil || ourErr != nil:
			onefail++
			t.Log(seed, text(request), "\nAPT:", err, "\nOURS:", ourErr)
		default:
			require.NoError(t, err)
			if diff := difference(answer(s), theirs); diff != "" {
				differ++
				t.Log(seed, text(request), "\n\t", diff)
			} else {
				same++
			}
		}
	}
	t.Log(same, differ, bothfail, onefail)
}
