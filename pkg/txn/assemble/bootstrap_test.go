package assemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

func depends(t *testing.T, text string) []relation.Group {
	t.Helper()
	groups, err := relation.ParseDepends(text)
	require.NoError(t, err)
	return groups
}

func names(packages []*apt.Package) []string {
	list := make([]string, len(packages))
	for i, p := range packages {
		list[i] = p.Name
	}
	return list
}

func TestEssentialSet(t *testing.T) {
	t.Parallel()
	mawk := &apt.Package{Name: "mawk", Provides: []relation.Relation{{Name: "awk"}}}
	gawk := &apt.Package{Name: "gawk", Provides: []relation.Relation{{Name: "awk"}}}
	libc := &apt.Package{Name: "libc6", Depends: depends(t, "libgcc-s1")}
	libgcc := &apt.Package{Name: "libgcc-s1", Depends: depends(t, "libc6")} // a circle
	files := &apt.Package{Name: "base-files", Essential: true, PreDepends: depends(t, "awk")}
	passwd := &apt.Package{Name: "base-passwd", Essential: true, Depends: depends(t, "libc6")}
	init := &apt.Package{Name: "init-system-helpers", Essential: true, Depends: depends(t, "usrmerge | usr-is-merged")}
	merged := &apt.Package{Name: "usr-is-merged"}
	other := &apt.Package{Name: "nginx", Depends: depends(t, "libc6")}
	batches := []solve.Batch{
		{Unpack: []*apt.Package{libgcc, libc, mawk, gawk}, Configure: []*apt.Package{libc, mawk}},
		{Unpack: []*apt.Package{merged, other, init, files, passwd}, Configure: []*apt.Package{other}},
	}
	set := assemble.EssentialSet(batches)
	require.Equal(t, []string{"base-passwd", "base-files", "libgcc-s1", "libc6", "mawk", "usr-is-merged", "init-system-helpers"}, names(set))

	rest := assemble.Without(batches, set)
	require.Equal(t, []solve.Batch{
		{Unpack: []*apt.Package{gawk}, Configure: []*apt.Package{}},
		{Unpack: []*apt.Package{other}, Configure: []*apt.Package{other}},
	}, rest)
	require.Len(t, batches[0].Unpack, 4, "the input is not changed")
}
