package oci_test

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// object finds the entry of an object of some kind in a layer.
func object(list []entry, suffix string) int {
	for i, e := range list {
		if strings.HasSuffix(e.Name, suffix) && strings.Contains(e.Name, "/objects/") {
			return i
		}
	}
	return -1
}

func TestHostileLayersAreRefused(t *testing.T) {
	t.Parallel()
	const objects = "sysroot/ostree/repo/objects/"
	sum := strings.Repeat("ab", 31)
	for _, c := range []struct {
		name  string
		layer int // 0 has the commit, 1 files
		do    func(list []entry) []entry
		want  string
	}{
		{"absolute name", 1, add(file("/etc/passwd", "x")), `entry "/etc/passwd": absolute name`},
		{"name with ..", 1, add(file("usr/../../etc/passwd", "x")), `name with ..`},
		{"hard link out", 1, add(special(tar.TypeLink, "usr/bin/x", "../../etc/shadow")), `hard link to "../../etc/shadow": name with ..`},
		{"absolute hard link", 1, add(special(tar.TypeLink, "usr/bin/x", "/etc/shadow")), `absolute name`},
		{"whiteout", 1, add(file("usr/bin/.wh.su", "")), `entry "usr/bin/.wh.su": a whiteout in a layer of the commit`},
		{"opaque directory", 0, add(file("usr/.wh..wh..opq", "")), `a whiteout in a layer of the commit`},
		{"device", 1, add(special(tar.TypeChar, "dev/mem", "")), `entry of type '3'`},
		{"unknown kind of object", 1, add(file(objects+"00/"+sum+".exe", "")), `unknown kind of object`},
		{"no path of an object", 1, add(file(objects+"000/"+sum+".file", "")), `not the path of an object`},
		{"content of another file", 1, change(".file", func(e *entry) { e.data = "X" + e.data[1:] }), `its content has the checksum`},
		{"mode of another file", 1, change(".file", func(e *entry) { e.Mode ^= 0o4000 }), `its content has the checksum`},
		{"owner of another file", 1, change(".file", func(e *entry) { e.Uid++ }), `its content has the checksum`},
		{"attributes of another file", 1, change(".file-xattrs-link", func(e *entry) { e.data, e.Size = "", 0 }), `its content has the checksum`},
		{"attributes that are none", 1, change(".file-xattrs-link", func(e *entry) { e.data, e.Size = "junk", 4 }), `.file-xattrs-link"`},
		{"file without attributes", 1, drop(".file-xattrs-link"), `do not stand before it`},
		{"attributes without file", 1, drop(".file"), `which did not follow`},
		{"attributes from nowhere", 1, add(special(tar.TypeLink, objects+"00/"+sum+".file-xattrs-link", objects+"11/"+sum+".file-xattrs")), `which did not come before`},
		{"a file twice", 1, twice, `the object is in the layer twice`},
		{"a directory as object", 1, add(special(tar.TypeFifo, objects+"00/"+sum+".file", "")), `entry of type '6'`},
		{"metadata outside of the first layer", 1, add(file(objects+"00/"+sum+".dirtree", "")), `a metadata object outside of the first layer`},
		{"no commit", 0, drop(".commit"), `stands before the commit`},
		{"another commit", 0, change(".commit", func(e *entry) { e.data = "X" + e.data[1:] }), `its content has the checksum`},
		{"two commits", 0, add(file(objects+"00/"+sum+".commit", "")), `a second commit after`},
		{"a tree that is none", 0, change(".dirtree", func(e *entry) { e.data, e.Size = "junk", 4 }), `its content has the checksum`},
		{"a tree that is lost", 0, drop(".dirtree"), `which no layer of the image has`},
		{"late signatures", 0, add(file(objects+"00/"+sum+".commitmeta", "")), `must follow it at once`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			repo, commit := source(t)
			to := layout(t)
			export(t, repo, commit, to, chunked())
			f := forge(t, to)
			n := c.layer * 3 // 3 has the tools
			f.setLayer(n, c.do(f.entries(n)))
			image := f.finish()

			other := ostreetest.Repo(t, ostree.ModeBareUser)
			_, err := image.Import(t.Context(), other, oci.ImportOptions{})
			require.ErrorContains(t, err, c.want)
			refused, ok := asLayer(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, image.Layers()[n].Digest, refused.Layer)
			require.Equal(t, image.Location, refused.Location)
			refs, err := other.Refs(t.Context(), "ostree/container/image")
			require.NoError(t, err)
			require.Empty(t, refs)
			checkSound(t, other)
		})
	}
}

func add(e entry) func([]entry) []entry {
	return func(list []entry) []entry { return append(list, e) }
}

func drop(suffix string) func([]entry) []entry {
	return func(list []entry) []entry {
		i := object(list, suffix)
		return append(list[:i:i], list[i+1:]...)
	}
}

func change(suffix string, fn func(*entry)) func([]entry) []entry {
	return func(list []entry) []entry {
		fn(&list[object(list, suffix)])
		return list
	}
}

// twice repeats the first file object with its attributes.
func twice(list []entry) []entry {
	i := object(list, ".file")
	return append(list, list[i-1], list[i])
}

func TestDigestsAreCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(f *forged)
		want string
	}{
		{"unpacked", func(f *forged) { f.config.RootFS.DiffIDs[1] = f.config.RootFS.DiffIDs[0] }, "unpacked: its digest is"},
		{"packed", func(f *forged) {
			f.setLayer(1, f.entries(1))
			damage(f, f.manifest.Layers[1].Digest.String())
		}, "its digest is"},
		{"larger than announced", func(f *forged) { f.manifest.Layers[1].Size-- }, "too large"},
		{"cut off", func(f *forged) { f.setBytes(1, writeEntries(f.t, f.entries(2))[:700]) }, "unexpected EOF"},
		{"no archive", func(f *forged) { f.setBytes(1, []byte(strings.Repeat("junk", 500))) }, "invalid tar header"},
		{"huge file", func(f *forged) { f.setBytes(1, hugeEntry()) }, `entry "usr/huge": too large`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			repo, commit := source(t)
			to := layout(t)
			export(t, repo, commit, to, chunked())
			f := forge(t, to)
			c.do(f)
			other := ostreetest.Repo(t, ostree.ModeBareUser)
			_, err := f.finish().Import(t.Context(), other, oci.ImportOptions{})
			require.ErrorContains(t, err, c.want)
			_, ok := asLayer(err)
			require.True(t, ok, "%v", err)
			checkSound(t, other)
		})
	}
}

func TestImagesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(f *forged)
		want string
	}{
		{"not of OSTree", func(f *forged) { delete(f.config.Config.Labels, oci.LabelFinalDiffID) }, "this is not an image of an OSTree commit"},
		{"label of no layer", func(f *forged) { f.config.Config.Labels[oci.LabelFinalDiffID] = "sha256:0" }, "no layer is sha256:0"},
		{"label of another commit", func(f *forged) { f.config.Config.Labels[oci.LabelCommit] = strings.Repeat("ab", 32) }, "but the label ostree.commit says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			repo, commit := source(t)
			to := layout(t)
			export(t, repo, commit, to, chunked())
			f := forge(t, to)
			c.do(f)
			_, err := f.finish().Import(t.Context(), ostreetest.Repo(t, ostree.ModeBareUser), oci.ImportOptions{})
			require.ErrorContains(t, err, c.want)
		})
	}
}
