package assemble

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// kind is what is at a path.
type kind int

const (
	missing kind = iota
	directory
	link
	other // regular files, and what else there may be
)

// node is what a path is.
type node struct {
	kind   kind
	target string // of a link
	meta   ostree.DirMeta
}

// maxLinks bounds the links followed in one path, as the kernel does.
const maxLinks = 40

// view shows the tree in the cage together with what is going to be placed.
// Paths are without leading slash; the root is "". It may be asked as long as no
// program runs in the cage.
type view struct {
	root    int
	pending map[string]node
	draft   map[string]node // of the package that is being looked at
	seen    map[string]node
	dirs    map[string]string // resolved directories
}

// openView opens the tree at a path of the host.
func openView(root string) (*view, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: root, Err: err}
	}
	v := &view{root: fd, pending: map[string]node{}, draft: map[string]node{}}
	v.forget()
	return v, nil
}

// close is for a view that is not used any more.
func (v *view) close() {
	if v.root >= 0 {
		_ = unix.Close(v.root) // a path descriptor has nothing to lose
	}
	v.root = -1
}

// forget drops what was learned about the cage.
func (v *view) forget() {
	v.seen, v.dirs = map[string]node{}, map[string]string{}
}

// put notes what would be at a path, until keep or drop decides.
func (v *view) put(name string, n node) {
	v.draft[name] = n
	if n.kind == link {
		clear(v.dirs) // it may lead elsewhere than what it replaces
	}
}

// keep makes what was put the truth.
func (v *view) keep() {
	maps.Copy(v.pending, v.draft)
	v.draft = map[string]node{}
}

// drop takes back what was put since the last keep.
func (v *view) drop() {
	v.draft = map[string]node{}
	clear(v.dirs)
}

// lookup tells what is at a path whose directory is resolved.
func (v *view) lookup(name string) (node, error) {
	if n, ok := v.draft[name]; ok {
		return n, nil
	}
	if n, ok := v.pending[name]; ok {
		return n, nil
	}
	if n, ok := v.seen[name]; ok {
		return n, nil
	}
	n, err := v.stat(name)
	if err == nil {
		v.seen[name] = n
	}
	return n, err
}

func (v *view) stat(name string) (node, error) {
	st, err := fsx.StatAt(v.root, name)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return node{}, nil
	case err != nil:
		return node{}, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return node{kind: directory, meta: ostree.DirMeta{UID: st.Uid, GID: st.Gid, Mode: st.Mode}}, nil
	case unix.S_IFLNK:
		target, err := fsx.ReadLinkAt(v.root, name)
		return node{kind: link, target: target}, err
	}
	return node{kind: other}, nil
}

// resolve returns the directory that a path leads to, with no link in its own
// path. It reports false if there is none.
func (v *view) resolve(dir string) (string, bool, error) {
	if to, ok := v.dirs[dir]; ok {
		return to, true, nil
	}
	rest := strings.Split(dir, "/")
	at := ""
	for followed := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = parentOf(at)
			continue
		}
		next := path.Join(at, name)
		n, err := v.lookup(next)
		switch {
		case err != nil:
			return "", false, err
		case n.kind == directory:
			at = next
		case n.kind == link && followed < maxLinks:
			followed++
			if strings.HasPrefix(n.target, "/") {
				at = ""
			}
			rest = append(strings.Split(n.target, "/"), rest...)
		default:
			return "", false, nil
		}
	}
	v.dirs[dir] = at
	return at, true, nil
}

// place returns a path with its directory resolved. It reports false if that is
// no directory.
func (v *view) place(name string) (string, bool, error) {
	dir, ok, err := v.resolve(parentOf(name))
	return path.Join(dir, path.Base(name)), ok, err
}

// isDirectory tells whether a path, its directory resolved, leads to one.
func (v *view) isDirectory(name string, n node) (bool, error) {
	if n.kind != link {
		return n.kind == directory, nil
	}
	_, ok, err := v.resolve(name)
	return ok, err
}

// dirMeta describes a directory of the cage with its attributes.
func (v *view) dirMeta(name string) (ostree.DirMeta, error) {
	if n, ok := v.pending[name]; ok && n.kind == directory {
		return n.meta, nil
	}
	n, err := v.stat(name)
	if err != nil {
		return n.meta, err
	}
	if n.kind != directory {
		return n.meta, &fs.PathError{Op: "use", Path: name, Err: unix.ENOTDIR}
	}
	from := name
	if from == "" {
		from = "."
	}
	attrs, err := fsx.LXattrsAt(v.root, from)
	for _, a := range attrs {
		n.meta.Xattrs = append(n.meta.Xattrs, ostree.Xattr{Name: a.Name, Value: a.Value})
	}
	return n.meta, err
}

// parentOf is the directory of a path, "" for the root.
func parentOf(name string) string {
	if dir := path.Dir(name); dir != "." && dir != "/" {
		return dir
	}
	return ""
}
