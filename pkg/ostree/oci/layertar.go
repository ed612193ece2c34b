package oci

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// selinuxXattr never shows in a container, which is labelled as a whole.
const selinuxXattr = "security.selinux"

// A layerWriter writes the tar archive of one layer. Nothing in it depends on the
// time or the machine.
type layerWriter struct {
	ctx     context.Context //nolint:containedctx // lives as long as one layer is written
	tar     *tar.Writer
	all     *contents
	parents bool // write the directories above each file (format version 2)
	dirs    map[string]directory
	wrote   map[string]bool // directories
	buf     []byte
}

func newLayerWriter(ctx context.Context, w io.Writer, all *contents, version int) *layerWriter {
	l := &layerWriter{
		ctx: ctx, tar: tar.NewWriter(w), all: all, parents: version >= 2,
		dirs: make(map[string]directory, len(all.dirs)), wrote: make(map[string]bool), buf: make([]byte, 128<<10),
	}
	for _, d := range all.dirs {
		l.dirs[visiblePath(d.path)] = d
	}
	return l
}

// chunk writes a layer of file objects.
func (l *layerWriter) chunk(files []*content) error {
	if err := l.structure(); err != nil {
		return err
	}
	if err := l.files(files); err != nil {
		return err
	}
	return l.tar.Close()
}

// commit writes the layer with the commit, its metadata objects and all
// directories, followed by those files that are in no other layer.
func (l *layerWriter) commit(c ostree.Checksum, files []*content) error {
	root := l.all.dirs[0]
	if err := l.directory("./", root.meta); err != nil {
		return err
	}
	if err := l.structure(); err != nil {
		return err
	}
	if err := l.metadata(c); err != nil {
		return err
	}
	if err := l.tree(); err != nil {
		return err
	}
	if err := l.files(files); err != nil {
		return err
	}
	return l.tar.Close()
}

// structure writes the repository without objects.
func (l *layerWriter) structure() error {
	plain := ostree.DirMeta{Mode: unix.S_IFDIR | 0o755}
	dirs := []string{"sysroot", "sysroot/ostree", repoDir, repoDir + "/objects"}
	for i := range 256 {
		dirs = append(dirs, fmt.Sprintf("%s/objects/%02x", repoDir, i))
	}
	for _, d := range repoDirs {
		dirs = append(dirs, repoDir+"/"+d)
	}
	for _, d := range dirs {
		l.wrote[d] = true
		if err := l.directory(d+"/", plain); err != nil {
			return err
		}
	}
	return l.data(repoDir+"/config", []byte(repoConfig))
}

// metadata writes the commit first, then what is attached to it: whoever reads the
// layer can judge both before anything else.
func (l *layerWriter) metadata(c ostree.Checksum) error {
	if err := l.object(ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit}); err != nil {
		return err
	}
	detached, err := l.all.repo.DetachedMetadata(l.ctx, c)
	if err != nil {
		return err
	}
	if len(detached) == 0 {
		return nil
	}
	return l.object(ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommitMeta})
}

// tree writes the metadata objects of directories, each once, and the directories.
func (l *layerWriter) tree() error {
	done := make(map[ostree.ObjectName]bool)
	for _, d := range l.all.dirs {
		for _, name := range []ostree.ObjectName{
			{Checksum: d.tree.Meta, Type: ostree.ObjectDirMeta}, {Checksum: d.tree.Contents, Type: ostree.ObjectDirTree},
		} {
			if done[name] {
				continue
			}
			done[name] = true
			if err := l.object(name); err != nil {
				return err
			}
		}
		at := visiblePath(d.path)
		if at == "" || l.wrote[at] {
			continue
		}
		l.wrote[at] = true
		if err := l.directory(at+"/", d.meta); err != nil {
			return err
		}
	}
	// Containers have no systemd-tmpfiles, and programs want this one.
	if l.wrote["var/tmp"] || !l.wrote["var"] {
		return nil
	}
	return l.directory("var/tmp/", ostree.DirMeta{Mode: unix.S_IFDIR | unix.S_ISVTX | 0o777})
}

// object writes a metadata object.
func (l *layerWriter) object(name ostree.ObjectName) error {
	v, err := l.all.repo.LoadVariant(l.ctx, name)
	if err != nil {
		return err
	}
	return l.data(objectPath(name.Checksum, name.Type), v.Data())
}

// files writes file objects, and hard links to them where they belong.
func (l *layerWriter) files(files []*content) error {
	for _, f := range files {
		if err := l.content(f); err != nil {
			return fmt.Errorf("%s: %w", f.paths[0], err)
		}
		for _, p := range f.paths {
			at := visiblePath(p)
			if err := l.parentsOf(at); err != nil {
				return err
			}
			if err := l.link(at, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// parentsOf writes the directories above a path if the format has them.
func (l *layerWriter) parentsOf(at string) error {
	dir := path.Dir(at)
	if !l.parents || dir == "." || l.wrote[dir] {
		return nil
	}
	if err := l.parentsOf(dir); err != nil {
		return err
	}
	l.wrote[dir] = true
	return l.directory(dir+"/", l.dirs[dir].meta)
}

// content writes a file object after its attributes, which its checksum is over.
func (l *layerWriter) content(f *content) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	attrs := ostree.EncodeXattrs(f.info.Xattrs)
	if err := l.data(objectPath(f.sum, ostree.ObjectFileXattrsLink), attrs); err != nil {
		return err
	}
	fi, in, err := l.all.repo.OpenFile(l.ctx, f.sum)
	if err != nil {
		return err
	}
	defer in.Close()
	h := l.header(objectPath(f.sum, ostree.ObjectFile), tar.TypeReg, fi.UID, fi.GID, fi.Mode)
	if fi.IsSymlink() {
		h.Typeflag, h.Linkname = tar.TypeSymlink, fi.Target
	} else {
		h.Size = fi.Size
	}
	showXattrs(h, fi.Xattrs)
	if err := l.tar.WriteHeader(h); err != nil || h.Size == 0 {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{l.tar}, struct{ io.Reader }{in}, l.buf)
	return err
}

// showXattrs lets a container see attributes such as capabilities.
func showXattrs(h *tar.Header, xattrs []ostree.Xattr) {
	for _, x := range xattrs {
		if x.Name == selinuxXattr || strings.Contains(x.Name, "=") {
			continue
		}
		if h.PAXRecords == nil {
			h.Format, h.PAXRecords = tar.FormatPAX, make(map[string]string)
		}
		h.PAXRecords["SCHILY.xattr."+x.Name] = string(x.Value)
	}
}

// link shows a file object at a path. An empty file is a file of its own: a build
// that changes it must not change the object.
func (l *layerWriter) link(at string, f *content) error {
	h := l.header(at, tar.TypeLink, f.info.UID, f.info.GID, f.info.Mode)
	if f.info.Size == 0 && !f.info.IsSymlink() {
		h.Typeflag = tar.TypeReg
	} else {
		h.Linkname = objectPath(f.sum, ostree.ObjectFile)
	}
	return l.tar.WriteHeader(h)
}

func (l *layerWriter) directory(name string, meta ostree.DirMeta) error {
	return l.tar.WriteHeader(l.header(name, tar.TypeDir, meta.UID, meta.GID, meta.Mode))
}

// data writes a file of root.
func (l *layerWriter) data(name string, data []byte) error {
	h := l.header(name, tar.TypeReg, 0, 0, 0o644)
	h.Size = int64(len(data))
	if err := l.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := l.tar.Write(data)
	return err
}

// header has no time: builders of derived layers tell by the time what was changed.
func (l *layerWriter) header(name string, kind byte, uid, gid, mode uint32) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: name, Uid: int(uid), Gid: int(gid), Mode: int64(mode & 0o7777), Format: tar.FormatGNU}
}
