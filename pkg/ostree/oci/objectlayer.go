package oci

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Bounds of what one object may hold, in bytes. Linux permits less for attributes.
const (
	maxMetadata = 128 << 20
	maxXattrs   = 1 << 20
	// maxXattrsKept bounds the attributes that are shared by files of a layer.
	maxXattrsKept = 64 << 20
)

// whiteoutPrefix begins names that remove something of the layers below, see the OCI
// image specification, "Representing Changes".
const whiteoutPrefix = ".wh."

// An objectLayer brings the objects of a layer into a repository.
type objectLayer struct {
	ctx    context.Context //nolint:containedctx // lives as long as one layer is read
	in     *layerReader
	w      *ostree.Writer
	commit bool // the layer may have metadata objects and must have one commit

	xattrs map[ostree.Checksum][]ostree.Xattr // by the checksum of the object that holds them
	kept   int                                // bytes of xattrs
	next   *nextXattrs

	files    map[ostree.Checksum]bool
	found    ostree.Checksum // the commit
	text     []byte          // of it
	detached ostree.Metadata
	// vouch judges the commit before anything else is looked at.
	vouch func(c ostree.Checksum, text []byte, detached ostree.Metadata) error
	asked bool
}

// nextXattrs are the attributes of the file object that comes next.
type nextXattrs struct {
	file  ostree.Checksum
	attrs []ostree.Xattr
}

func newObjectLayer(ctx context.Context, in *layerReader, w *ostree.Writer, commit bool) *objectLayer {
	return &objectLayer{
		ctx: ctx, in: in, w: w, commit: commit,
		xattrs: make(map[ostree.Checksum][]ostree.Xattr), files: make(map[ostree.Checksum]bool),
	}
}

// read reads the whole layer. What it has written is worth nothing if that fails.
func (o *objectLayer) read() error {
	if err := o.in.each(o.entry); err != nil {
		return err
	}
	if err := o.in.finish(); err != nil {
		return err
	}
	if o.commit && o.found.IsZero() {
		return errors.New("has no commit, though it is the first layer")
	}
	return o.judge()
}

// entry looks at one entry. What is not an object only shows the objects to
// containers, but must be nothing that a layer like this never has.
func (o *objectLayer) entry(h *tar.Header) error {
	if strings.HasPrefix(path.Base(h.Name), whiteoutPrefix) {
		return errors.New("a whiteout in a layer of the commit")
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeReg, tar.TypeSymlink, tar.TypeLink:
	default:
		return fmt.Errorf("entry of type %q, which is neither file, directory nor link", h.Typeflag)
	}
	if !strings.HasPrefix(h.Name, repoDir+"/objects/") {
		return nil
	}
	name, err := parseObjectPath(h.Name)
	if err != nil {
		return err
	}
	switch name.Type {
	case ostree.ObjectFile:
		return o.file(name.Checksum, h)
	case ostree.ObjectFileXattrs:
		_, err := o.keepXattrs(h, &name.Checksum)
		return err
	case ostree.ObjectFileXattrsLink:
		return o.linkXattrs(name.Checksum, h)
	}
	return o.metadata(name, h)
}

// keepXattrs reads attributes and keeps them for the files that link to them.
func (o *objectLayer) keepXattrs(h *tar.Header, want *ostree.Checksum) ([]ostree.Xattr, error) {
	data, err := o.bounded(h, maxXattrs)
	if err != nil {
		return nil, err
	}
	attrs, err := ostree.DecodeXattrs(data)
	if err != nil || want == nil {
		return attrs, err
	}
	sum := ostree.Checksum(sha256.Sum256(data))
	if sum != *want {
		return nil, fmt.Errorf("its content has the checksum %s", sum)
	}
	if o.kept += len(data); o.kept > maxXattrsKept {
		return nil, fmt.Errorf("%w: the layer has more than %d bytes of attributes", errTooLarge, maxXattrsKept)
	}
	o.xattrs[sum] = attrs
	return attrs, nil
}

// linkXattrs finds the attributes of the next file object: they are the content, or
// that of the object which is linked to.
func (o *objectLayer) linkXattrs(file ostree.Checksum, h *tar.Header) error {
	if o.next != nil {
		return fmt.Errorf("the attributes before belong to %s, which did not follow", o.next.file)
	}
	if h.Typeflag != tar.TypeLink {
		attrs, err := o.keepXattrs(h, nil)
		o.next = &nextXattrs{file, attrs}
		return err
	}
	name, err := parseObjectPath(path.Clean(h.Linkname))
	if err != nil {
		return fmt.Errorf("hard link to %q: %w", h.Linkname, err)
	}
	attrs, ok := o.xattrs[name.Checksum]
	if !ok || name.Type != ostree.ObjectFileXattrs {
		return fmt.Errorf("hard link to %q, which did not come before", h.Linkname)
	}
	o.next = &nextXattrs{file, attrs}
	return nil
}

// file stores a file object. Its checksum is over what the header says, its
// attributes and its content.
func (o *objectLayer) file(sum ostree.Checksum, h *tar.Header) error {
	next := o.next
	o.next = nil
	switch {
	case next == nil || next.file != sum:
		return errors.New("the attributes of the file object do not stand before it")
	case o.files[sum]:
		return errors.New("the object is in the layer twice")
	}
	fi := ostree.FileInfo{UID: uint32(h.Uid), GID: uint32(h.Gid), Mode: uint32(h.Mode) & 0o7777, Size: h.Size, Xattrs: next.attrs}
	var content io.Reader
	switch h.Typeflag {
	case tar.TypeReg:
		fi.Mode |= unix.S_IFREG
		content = o.in.tar
	case tar.TypeSymlink:
		fi.Mode, fi.Size, fi.Target = unix.S_IFLNK|0o777, 0, h.Linkname
	default:
		return errors.New("a file object must be a file or a symbolic link")
	}
	if err := o.judge(); err != nil {
		return err
	}
	o.files[sum] = true
	return o.w.WriteNamed(o.ctx, sum, fi, content)
}

// metadata stores another object.
func (o *objectLayer) metadata(name ostree.ObjectName, h *tar.Header) error {
	if !o.commit {
		return errors.New("a metadata object outside of the first layer")
	}
	data, err := o.bounded(h, maxMetadata)
	if err != nil {
		return err
	}
	switch {
	case name.Type == ostree.ObjectCommitMeta:
		return o.attach(name.Checksum, data)
	case name.Type == ostree.ObjectCommit && !o.found.IsZero():
		return fmt.Errorf("a second commit after %s", o.found)
	case name.Type == ostree.ObjectCommit:
		if sum := ostree.Checksum(sha256.Sum256(data)); sum != name.Checksum {
			return fmt.Errorf("its content has the checksum %s", sum)
		}
		o.found, o.text = name.Checksum, data
		return o.w.WriteMetadata(o.ctx, name, data)
	}
	if err := o.judge(); err != nil {
		return err
	}
	return o.w.WriteMetadata(o.ctx, name, data)
}

// attach reads what is attached to the commit, such as signatures.
func (o *objectLayer) attach(c ostree.Checksum, data []byte) error {
	if c != o.found || o.asked {
		return errors.New("what is attached to a commit must follow it at once")
	}
	detached, err := ostree.ParseSignatures(data)
	if err != nil {
		return err
	}
	o.detached = detached
	return o.w.WriteDetachedMetadata(o.ctx, c, detached)
}

// judge asks once whether the commit is wanted, when all that speaks for it was read.
func (o *objectLayer) judge() error {
	if !o.commit || o.asked {
		return nil
	}
	if o.found.IsZero() {
		return errors.New("stands before the commit")
	}
	o.asked = true
	if o.vouch == nil {
		return nil
	}
	return o.vouch(o.found, o.text, o.detached)
}

// complete makes sure that all objects of the commit are there.
func (o *objectLayer) complete() error {
	commit, err := o.w.LoadCommit(o.ctx, o.found)
	if err != nil {
		return err
	}
	lost, err := o.w.Missing(o.ctx, commit.Tree)
	if err != nil {
		return err
	}
	if lost != nil {
		return fmt.Errorf("commit %s needs %s, which no layer of the image has", o.found, lost)
	}
	o.w.Complete(o.found)
	return nil
}

// bounded reads an entry that must be a small file.
func (o *objectLayer) bounded(h *tar.Header, limit int64) ([]byte, error) {
	if h.Typeflag != tar.TypeReg {
		return nil, errors.New("must be a file")
	}
	if h.Size > limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", errTooLarge, h.Size, limit)
	}
	return readBounded(o.in.tar, limit)
}

// list gives the file objects of the layer, sorted.
func (o *objectLayer) list() []ostree.Checksum {
	sums := make([]ostree.Checksum, 0, len(o.files))
	for c := range o.files {
		sums = append(sums, c)
	}
	slices.SortFunc(sums, func(a, b ostree.Checksum) int { return slices.Compare(a[:], b[:]) })
	return sums
}
