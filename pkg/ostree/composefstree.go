package ostree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// maxComposefsNodes bounds the memory that a tree takes, which may have the same
// directory in many places.
const maxComposefsNodes = 1 << 23

func writeComposefs(ctx context.Context, s *store, id TreeID, out io.Writer, o ComposefsOptions) (composefs.Digest, error) {
	t := composefsTree{
		source: &treeSource{store: s, metas: map[Checksum]DirMeta{}},
		files:  map[Checksum][]*composefs.Node{},
		opts:   o,
	}
	root, err := t.dir(ctx, id, "/", "", 0)
	if err == nil {
		err = t.describeFiles(ctx)
	}
	if err != nil {
		return composefs.Digest{}, fmt.Errorf("composefs image: %w", err)
	}
	addMountPoints(root)
	return composefs.Write(out, root, composefs.Options{})
}

// addMountPoints adds the directories that the root of a deployment needs, since
// nobody can make them in an image.
func addMountPoints(root *composefs.Node) {
	for _, name := range []string{"usr", "etc", "boot", "var", "sysroot"} {
		if !slices.ContainsFunc(root.Children, func(n *composefs.Node) bool { return n.Name == name }) {
			root.Children = append(root.Children, &composefs.Node{Name: name, Mode: unix.S_IFDIR | 0o755})
		}
	}
}

// A composefsTree makes the nodes of an image.
type composefsTree struct {
	source *treeSource
	files  map[Checksum][]*composefs.Node // where each file is
	nodes  int
	opts   ComposefsOptions
}

func (t *composefsTree) count(at string) error {
	if t.nodes++; t.nodes > maxComposefsNodes {
		return fmt.Errorf("%s: the tree has more than %d files and directories", at, maxComposefsNodes)
	}
	return nil
}

func (t *composefsTree) dir(ctx context.Context, id TreeID, at, name string, depth int) (*composefs.Node, error) {
	if err := errors.Join(ctx.Err(), t.count(at), checkDepth(depth, id.Contents)); err != nil {
		return nil, err
	}
	meta, err := t.source.meta(id.Meta)
	if err != nil {
		return nil, err
	}
	tree, err := t.source.store.loadDirTree(id.Contents)
	if err != nil {
		return nil, err
	}
	node := &composefs.Node{Name: name, Mode: meta.Mode, UID: meta.UID, GID: meta.GID, Xattrs: nodeXattrs(meta.Xattrs)}
	node.Children = make([]*composefs.Node, 0, len(tree.Files)+len(tree.Dirs))
	for _, f := range tree.Files {
		if err := t.count(path.Join(at, f.Name)); err != nil {
			return nil, err
		}
		child := &composefs.Node{Name: f.Name}
		node.Children = append(node.Children, child)
		t.files[f.Checksum] = append(t.files[f.Checksum], child)
	}
	for _, d := range tree.Dirs {
		child, err := t.dir(ctx, d.Tree, path.Join(at, d.Name), d.Name, depth+1)
		if err != nil {
			return nil, err
		}
		node.Children = append(node.Children, child)
	}
	return node, nil
}

func nodeXattrs(xattrs []Xattr) []composefs.Xattr {
	nodes := make([]composefs.Xattr, len(xattrs))
	for i, x := range xattrs {
		nodes[i] = composefs.Xattr(x)
	}
	return nodes
}

// describeFiles completes the nodes of files, each object once.
func (t *composefsTree) describeFiles(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for c, nodes := range t.files {
		if running.Err() != nil {
			break
		}
		group.Go(func() error {
			fi, digest, err := t.file(running, c)
			if err != nil {
				return err
			}
			for _, n := range nodes {
				describeFile(n, c, fi, digest)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func describeFile(n *composefs.Node, c Checksum, fi FileInfo, digest *composefs.Digest) {
	n.Mode, n.UID, n.GID, n.Xattrs = fi.Mode, fi.UID, fi.GID, nodeXattrs(fi.Xattrs)
	if fi.IsSymlink() {
		n.Payload = fi.Target
		return
	}
	if name, ok := strings.CutPrefix(n.Name, PassthroughWhiteoutPrefix); ok {
		n.Name, n.Mode = name, n.Mode&^unix.S_IFMT|unix.S_IFCHR
		return
	}
	if n.Size = uint64(fi.Size); n.Size > 0 {
		n.Payload, n.Digest = objectPath(ObjectName{c, ObjectFile}, ModeBare), digest
	}
}

// file describes a file, with the digest of its content if it has any.
func (t *composefsTree) file(ctx context.Context, c Checksum) (FileInfo, *composefs.Digest, error) {
	s := t.source.store
	if t.opts.NoVerity {
		fi, err := s.fileInfo(c)
		return fi, nil, err
	}
	fi, content, err := s.openFile(c)
	if err != nil {
		return fi, nil, err
	}
	defer content.Close()
	if fi.Size == 0 {
		return fi, nil, nil
	}
	digest, err := contentDigest(ctx, content, s.pools)
	if err != nil {
		return fi, nil, fmt.Errorf("file object %s: %w", c, err)
	}
	return fi, &digest, nil
}

// contentDigest asks the kernel where the object is a file with that content.
func contentDigest(ctx context.Context, content io.Reader, p *pools) (composefs.Digest, error) {
	if f, ok := content.(*os.File); ok {
		digest, ok, err := composefs.Measure(f)
		if ok || err != nil {
			return digest, err
		}
	}
	h := composefs.NewHasher()
	if _, err := copyBuffer(ctx, h, content, p, nil); err != nil {
		return composefs.Digest{}, err
	}
	return h.Digest(), nil
}
