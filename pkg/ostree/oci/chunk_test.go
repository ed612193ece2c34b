package oci_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

func TestPack(t *testing.T) {
	t.Parallel()
	sizes, changes := []int64{100, 1, 2, 3, 50, 4}, []int{1, 9, 0, 9, 1, 0}
	require.Equal(t, [][]int64{{100}, {1}, {2}, {3}, {50}, {4}}, oci.Pack(sizes, changes, 6), "each has its own")
	require.Equal(t, [][]int64{{100}, {50}, {2, 4, 1, 3}}, oci.Pack(sizes, changes, 3), "the large ones are alone")
	require.Equal(t, [][]int64{{2, 4, 100, 50, 1, 3}}, oci.Pack(sizes, changes, 1))
}

func TestMaxLayersCountsThatOfTheCommit(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	for limit := 1; limit < 7; limit++ {
		opts := chunked()
		opts.MaxLayers = limit
		require.Len(t, export(t, repo, commit, layout(t), opts).Layers, min(limit, 5))
	}
}

func TestPreviousDivisionIsKept(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	to := layout(t)
	opts := chunked()
	opts.MaxLayers = 3
	first := export(t, repo, commit, to, opts)
	require.Equal(t, []string{"", "linux", "a,b,tools,unpackaged"}, components(first))

	opts.MaxLayers, opts.Previous = 5, open(t, to).Division()
	opts.Owner = func(path string) string {
		if strings.HasPrefix(path, "usr/share/private") {
			return "new"
		}
		return owner(path)
	}
	second := export(t, repo, commit, layout(t), opts)
	require.Equal(t, []string{"", "linux", "a,b,tools,unpackaged", "new"}, components(second))
	require.Equal(t, first.Layers[1].Digest, second.Layers[1].Digest)
}

func components(e *oci.Exported) (list []string) {
	for _, l := range e.Layers {
		list = append(list, strings.Join(l.Components, ","))
	}
	return list
}
