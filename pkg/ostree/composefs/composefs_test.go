package composefs_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// unzipped opens a file in testdata.
func unzipped(t *testing.T, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	return z
}

func readTree(t *testing.T, name string) *composefs.Node {
	t.Helper()
	root, err := parseDump(unzipped(t, name+".dump"))
	require.NoError(t, err)
	return root
}

func TestImagesAreThoseOfLibcomposefs(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/digests")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(golden)), "\n")
	require.Len(t, lines, 21)
	for _, line := range lines {
		want, name, _ := strings.Cut(line, "  ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var image bytes.Buffer
			digest, err := composefs.Write(&image, readTree(t, name), composefs.Options{})
			require.NoError(t, err)
			require.Equal(t, want, digest.String())
			again, err := composefs.FileDigest(&image)
			require.NoError(t, err)
			require.Equal(t, digest, again)
		})
	}
}

func TestImageByteForByte(t *testing.T) {
	t.Parallel()
	want, err := io.ReadAll(unzipped(t, "whiteouts.img"))
	require.NoError(t, err)
	var got bytes.Buffer
	_, err = composefs.Write(&got, readTree(t, "whiteouts"), composefs.Options{})
	require.NoError(t, err)
	require.Equal(t, want, got.Bytes())
}

// Which order the caller has is no business of the image, and the tree stays
// what it was.
func TestOrderOfChildrenDoesNotMatter(t *testing.T) {
	t.Parallel()
	root := readTree(t, "names")
	first, err := composefs.Write(io.Discard, root, composefs.Options{})
	require.NoError(t, err)
	reverse(root)
	last := root.Children[0].Name
	second, err := composefs.Write(io.Discard, root, composefs.Options{})
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, last, root.Children[0].Name)
}

func reverse(n *composefs.Node) {
	for i, j := 0, len(n.Children)-1; i < j; i, j = i+1, j-1 {
		n.Children[i], n.Children[j] = n.Children[j], n.Children[i]
	}
	for _, c := range n.Children {
		reverse(c)
	}
}

func TestMinVersionIsInTheHeader(t *testing.T) {
	t.Parallel()
	for version := range 2 {
		var image bytes.Buffer
		_, err := composefs.Write(&image, &composefs.Node{Mode: 0o40755}, composefs.Options{MinVersion: version})
		require.NoError(t, err)
		require.EqualValues(t, version, image.Bytes()[12])
	}
}

func TestWriteRefusesWhatAnImageCannotHold(t *testing.T) {
	t.Parallel()
	file := func(name string) *composefs.Node { return &composefs.Node{Name: name, Mode: 0o100644} }
	with := func(n *composefs.Node, change func(*composefs.Node)) *composefs.Node {
		change(n)
		return n
	}
	long := strings.Repeat("n", 256)
	for name, c := range map[string]struct {
		nodes []*composefs.Node
		path  string
	}{
		"no name":      {[]*composefs.Node{file("")}, "/a/"},
		"dot":          {[]*composefs.Node{file(".")}, "/a/."},
		"dot dot":      {[]*composefs.Node{file("..")}, "/a/.."},
		"slash":        {[]*composefs.Node{file("x/y")}, "/a/x/y"},
		"NUL":          {[]*composefs.Node{file("x\x00")}, "/a/x\x00"},
		"long name":    {[]*composefs.Node{file(long)}, "/a/" + long},
		"twice":        {[]*composefs.Node{file("x"), file("y"), file("x")}, "/a/x"},
		"huge":         {[]*composefs.Node{with(file("x"), func(n *composefs.Node) { n.Size = 1 << 60 })}, "/a/x"},
		"no target":    {[]*composefs.Node{{Name: "x", Mode: 0o120777}}, "/a/x"},
		"long target":  {[]*composefs.Node{{Name: "x", Mode: 0o120777, Payload: strings.Repeat("t", 4096)}}, "/a/x"},
		"no type":      {[]*composefs.Node{{Name: "x", Mode: 0o644}}, "/a/x"},
		"not a folder": {[]*composefs.Node{with(file("x"), func(n *composefs.Node) { n.Children = []*composefs.Node{file("y")} })}, "/a/x"},
		"attribute name": {[]*composefs.Node{with(file("x"), func(n *composefs.Node) {
			n.Xattrs = []composefs.Xattr{{Name: "user." + long}}
		})}, "/a/x"},
		"many attributes": {[]*composefs.Node{with(file("x"), func(n *composefs.Node) {
			n.Xattrs = make([]composefs.Xattr, 1<<20)
		})}, "/a/x"},
		"attribute value": {[]*composefs.Node{with(file("x"), func(n *composefs.Node) {
			n.Xattrs = []composefs.Xattr{{Name: "user.a", Value: make([]byte, 1<<15)}}
		})}, "/a/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			root := &composefs.Node{Mode: 0o40755, Children: []*composefs.Node{{Name: "a", Mode: 0o40755, Children: c.nodes}}}
			_, err := composefs.Write(&out, root, composefs.Options{})
			var node *composefs.NodeError
			require.ErrorAs(t, err, &node)
			require.Equal(t, c.path, node.Path)
			require.Zero(t, out.Len())
		})
	}
	_, err := composefs.Write(io.Discard, file("x"), composefs.Options{})
	require.EqualError(t, err, "composefs image: /: the root is no directory")
}

func TestWriteReportsTheWriter(t *testing.T) {
	t.Parallel()
	_, err := composefs.Write(failing{}, &composefs.Node{Mode: 0o40755}, composefs.Options{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
