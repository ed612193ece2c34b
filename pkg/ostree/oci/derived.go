package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// emptyDirs are filled by the machine that runs the system: what an image has below
// them is dropped.
var emptyDirs = []string{"run", "tmp", "proc", "sys", "dev"}

// A derivedLayer reads a layer that a build FROM the image made, into a tree of its
// own. Whiteouts are files in it, until it is merged.
type derivedLayer struct {
	ctx  context.Context //nolint:containedctx // lives as long as one layer is read
	in   *layerReader
	w    *ostree.Writer
	tree *ostree.Tree
	// changed are objects of the repository in the image that the build changed
	// through a hard link, by their path in the layer.
	changed map[string]ostree.Checksum
}

// derived imports a layer that is no part of the commit.
func (r *importer) derived(ctx context.Context, in *layerReader, w *ostree.Writer) (ostree.Checksum, error) {
	d := &derivedLayer{
		ctx: ctx, in: in, w: w, tree: ostree.NewTree(plainDir), changed: make(map[string]ostree.Checksum),
	}
	if err := d.in.each(d.entry); err != nil {
		return ostree.Checksum{}, err
	}
	if err := in.finish(); err != nil {
		return ostree.Checksum{}, err
	}
	return writeCommit(ctx, w, d.tree)
}

// plainDir is a directory of which nothing is known.
var plainDir = ostree.DirMeta{Mode: unix.S_IFDIR | 0o755}

func (d *derivedLayer) entry(h *tar.Header) error {
	if strings.HasPrefix(h.Name, repoDir+"/") {
		return d.object(h)
	}
	at, ok := commitPath(h.Name)
	if !ok {
		return nil
	}
	if base := path.Base(at); strings.HasPrefix(base, whiteoutPrefix) {
		if _, err := hiddenName(base); err != nil {
			return err
		}
	}
	fi, err := fileInfo(h)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		return d.directory(at, ostree.DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode, Xattrs: fi.Xattrs})
	}
	if at == "." {
		return errors.New("the root is not a directory")
	}
	if h.Typeflag == tar.TypeLink {
		return d.link(at, h.Linkname)
	}
	sum, err := d.w.WriteFile(d.ctx, fi, d.in.tar)
	if err != nil {
		return err
	}
	return d.put(at, sum)
}

// object remembers an object of the repository in the image that was changed in
// place: the names that it shows under follow as hard links.
func (d *derivedLayer) object(h *tar.Header) error {
	if h.Typeflag != tar.TypeReg || h.ModTime.Unix() == 0 {
		return nil
	}
	fi, err := fileInfo(h)
	if err != nil {
		return err
	}
	sum, err := d.w.WriteFile(d.ctx, fi, d.in.tar)
	d.changed[h.Name] = sum
	return err
}

// link gives a file another name. A target may be an object of the repository in the
// image, one that was changed or one of the commit.
func (d *derivedLayer) link(at, target string) error {
	if sum, ok := d.changed[target]; ok {
		return d.put(at, sum)
	}
	if strings.HasPrefix(target, repoDir+"/") {
		name, err := parseObjectPath(target)
		if err != nil {
			return fmt.Errorf("hard link to %q: %w", target, err)
		}
		has, err := d.w.Has(d.ctx, name)
		if err == nil && (!has || name.Type != ostree.ObjectFile) {
			err = fmt.Errorf("hard link to %q, which the commit does not have", target)
		}
		if err != nil {
			return err
		}
		return d.put(at, name.Checksum)
	}
	from, ok := commitPath(target)
	if !ok {
		return fmt.Errorf("hard link to %q, which is no part of the system", target)
	}
	e, err := d.tree.Lookup(from)
	if err != nil || e.Dir {
		return fmt.Errorf("hard link to %q, which did not come before", target)
	}
	return d.put(at, e.File)
}

// put makes a file, in place of what the layer had there before.
func (d *derivedLayer) put(at string, sum ostree.Checksum) error {
	if err := d.tree.MkdirAll(path.Dir(at), plainDir); err != nil {
		return err
	}
	return setFile(d.tree, at, sum)
}

func (d *derivedLayer) directory(at string, meta ostree.DirMeta) error {
	if err := d.tree.MkdirAll(path.Dir(at), plainDir); err != nil {
		return err
	}
	return setDir(d.tree, at, meta)
}

// setFile puts a file at a path, whatever was there.
func setFile(t *ostree.Tree, at string, sum ostree.Checksum) error {
	if e, err := t.Lookup(at); err == nil && e.Dir {
		if err := t.Remove(at); err != nil {
			return err
		}
	}
	return t.SetFile(at, sum)
}

// setDir makes a directory or gives the one that is there other metadata.
func setDir(t *ostree.Tree, at string, meta ostree.DirMeta) error {
	e, err := t.Lookup(at)
	switch {
	case err != nil:
		return t.Mkdir(at, meta)
	case e.Dir:
		return t.SetMeta(at, meta)
	}
	if err := t.Remove(at); err != nil {
		return err
	}
	return t.Mkdir(at, meta)
}

// commitPath is where an entry belongs in a commit; false if it has no place there.
func commitPath(name string) (string, bool) {
	top, _, below := strings.Cut(name, "/")
	switch {
	case name == ".", top == "usr", top == "var":
		return name, true
	case top == "etc":
		return path.Join("usr", name), true
	case slices.Contains(emptyDirs, top):
		return name, !below
	}
	return "", false
}

// fileInfo is what a header says of an entry. Attributes are those of the pax records.
func fileInfo(h *tar.Header) (ostree.FileInfo, error) {
	fi := ostree.FileInfo{UID: uint32(h.Uid), GID: uint32(h.Gid), Mode: uint32(h.Mode) & 0o7777, Size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		fi.Mode |= unix.S_IFREG
	case tar.TypeSymlink:
		fi.Mode, fi.Size, fi.Target = unix.S_IFLNK|0o777, 0, h.Linkname
	case tar.TypeDir:
		fi.Mode |= unix.S_IFDIR
	case tar.TypeLink:
		return fi, nil
	default:
		return fi, fmt.Errorf("entry of type %q, which is neither file, directory nor link", h.Typeflag)
	}
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if !ok || strings.HasPrefix(name, "user.overlay.") || strings.HasPrefix(name, "trusted.overlay.") {
			continue
		}
		if len(value) > maxXattrs {
			return fi, fmt.Errorf("%w: attribute %s has %d bytes", errTooLarge, name, len(value))
		}
		fi.Xattrs = append(fi.Xattrs, ostree.Xattr{Name: name, Value: []byte(value)})
	}
	slices.SortFunc(fi.Xattrs, func(a, b ostree.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return fi, nil
}
