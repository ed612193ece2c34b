package ostree_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// referenceDirTree reads a dirtree by package gvariant, and does not look at names.
func referenceDirTree(data []byte) (*ostree.DirTree, bool) {
	v, err := gvariant.Parse("(a(say)a(sayay))", data)
	if err != nil {
		return nil, false
	}
	t := &ostree.DirTree{}
	for member := range 2 {
		list, err := v.At(member)
		if err != nil {
			return nil, false
		}
		for _, entry := range list.Children() {
			name, sums, ok := referenceEntry(entry, member+1)
			switch {
			case !ok:
				return nil, false
			case member == 0:
				t.Files = append(t.Files, ostree.DirTreeFile{Name: name, Checksum: sums[0]})
			default:
				t.Dirs = append(t.Dirs, ostree.DirTreeDir{Name: name, Tree: ostree.TreeID{Contents: sums[0], Meta: sums[1]}})
			}
		}
	}
	return t, true
}

func referenceEntry(entry gvariant.Value, n int) (name string, sums [2]ostree.Checksum, ok bool) {
	first, err := entry.At(0)
	if err != nil {
		return "", sums, false
	}
	if name, err = first.Str(); err != nil {
		return "", sums, false
	}
	for i := range n {
		value, err := entry.At(i + 1)
		if err != nil {
			return "", sums, false
		}
		b, err := value.Bytes()
		if err != nil || len(b) != len(sums[i]) {
			return "", sums, false
		}
		sums[i] = ostree.Checksum(b)
	}
	return name, sums, true
}

// goodNames tells whether names are such as a directory may have.
func goodNames(t *ostree.DirTree) bool {
	var files, dirs []string
	for _, f := range t.Files {
		files = append(files, f.Name)
	}
	for _, d := range t.Dirs {
		dirs = append(dirs, d.Name)
	}
	all := slices.Concat(files, dirs)
	slices.Sort(all)
	return slices.IsSorted(files) && slices.IsSorted(dirs) && len(slices.Compact(slices.Clone(all))) == len(all) &&
		!slices.ContainsFunc(all, func(s string) bool { return s == "" || s == "." || s == ".." || strings.Contains(s, "/") })
}

func FuzzDirTreeIsReadLikeAnyGVariant(f *testing.F) {
	long := strings.Repeat("n", 300)
	for _, t := range []*ostree.DirTree{
		{},
		{Files: []ostree.DirTreeFile{{Name: "a", Checksum: ostree.Checksum{1}}, {Name: "b"}}},
		{Files: []ostree.DirTreeFile{{Name: "m"}}, Dirs: []ostree.DirTreeDir{{Name: "a"}, {Name: "z", Tree: ostree.TreeID{Meta: ostree.Checksum{2}}}}},
		{Dirs: []ostree.DirTreeDir{{Name: long}, {Name: long + "x"}}},
		manyEntries(2000), // offsets of 4 bytes
	} {
		data, err := ostree.EncodeDirTree(t)
		require.NoError(f, err)
		f.Add(data)
		for _, at := range []int{0, len(data) / 2, len(data) - 1} {
			changed := slices.Clone(data)
			changed[at]++
			f.Add(changed)
		}
		f.Add(data[:len(data)-1])
		f.Add(append(slices.Clone(data), 0))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		want, ok := referenceDirTree(data)
		ok = ok && goodNames(want)
		got, err := ostree.DecodeDirTree(data)
		require.Equal(t, ok, err == nil, "%v", err)
		if ok {
			require.Equal(t, want, got)
		}
	})
}

func manyEntries(n int) *ostree.DirTree {
	t := &ostree.DirTree{}
	for i := range n {
		name := strings.Repeat("a", i/26) + string(rune('a'+i%26))
		t.Files = append(t.Files, ostree.DirTreeFile{Name: name, Checksum: ostree.Checksum{byte(i)}})
	}
	slices.SortFunc(t.Files, func(a, b ostree.DirTreeFile) int { return strings.Compare(a.Name, b.Name) })
	t.Files = slices.CompactFunc(t.Files, func(a, b ostree.DirTreeFile) bool { return a.Name == b.Name })
	return t
}
