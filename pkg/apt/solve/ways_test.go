package solve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

func TestWhyNot(t *testing.T) {
	t.Parallel()
	u := apt.NewUniverse(parsePackages(t, "a 1\n  Depends: b\nb 1\n  Conflicts: c\nc 1\nd 1\ne 1\n  Depends: missing\n"))
	req := solve.Request{Architecture: "amd64", Install: []string{"a"}}

	s, because, err := solve.WhyNot(t.Context(), u, req, "c")
	require.NoError(t, err)
	require.Nil(t, s)
	var lines []string
	for _, r := range because {
		lines = append(lines, r.String())
	}
	require.Equal(t, []string{
		"a is requested",
		"a 1 (stable/main) depends on b",
		"c is requested",
		"b 1 (stable/main) conflicts with c",
	}, lines)

	s, because, err = solve.WhyNot(t.Context(), u, req, "d")
	require.NoError(t, err)
	require.Empty(t, because)
	require.Len(t, s.Install, 3, "nobody has asked for it")

	_, because, err = solve.WhyNot(t.Context(), u, req, "e")
	require.NoError(t, err)
	require.Equal(t, solve.NoPackage, because[len(because)-1].Kind)

	_, _, err = solve.WhyNot(t.Context(), u, req, "f")
	require.ErrorAs(t, err, new(*solve.NotFoundError))
	require.Equal(t, []string{"a"}, req.Install)
}
