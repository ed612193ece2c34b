package pkgcache

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Keys of a package commit's metadata.
const (
	keyFormat       = "apt-ostree.pkg.format"
	keyName         = "apt-ostree.pkg.name"
	keyVersion      = "apt-ostree.pkg.version"
	keyArchitecture = "apt-ostree.pkg.architecture"
	keySHA256       = "apt-ostree.pkg.sha256"
	keyOwners       = "apt-ostree.pkg.owners"
	keyLinks        = "apt-ostree.pkg.links"
)

// format is the version of what a commit holds. Another one is imported anew.
const format = "1"

// UnsupportedError says why a package that dpkg can unpack has no commit.
type UnsupportedError struct {
	Key    Key
	Reason string
}

// Error implements error.
func (e *UnsupportedError) Error() string { return fmt.Sprintf("%s is for dpkg: %s", e.Key, e.Reason) }

// importFile imports one .deb.
func importFile(ctx context.Context, w *ostree.Writer, s Source, opts deb.Options) (commit ostree.Checksum, err error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return commit, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return commit, err
	}
	got := hex.EncodeToString(sum.Sum(nil))
	if s.SHA256 != "" && got != s.SHA256 {
		return commit, &apt.HashMismatchError{URL: s.Path, Algorithm: "SHA256", Expected: s.SHA256, Got: got}
	}
	r, err := deb.NewReader(f, size, opts)
	if err != nil {
		return commit, err
	}
	s.SHA256 = got
	i := &importer{w: w, source: s, tree: ostree.NewTree(dirMeta(0o755)), seen: map[string]*deb.Entry{}, sums: map[string]ostree.Checksum{}}
	return i.run(ctx, r)
}

// dirMeta is a directory of root.
func dirMeta(mode uint32) ostree.DirMeta { return ostree.DirMeta{Mode: unix.S_IFDIR | mode} }

// importer makes the commit of one package.
type importer struct {
	w      *ostree.Writer
	source Source
	tree   *ostree.Tree

	seen     map[string]*deb.Entry
	sums     map[string]ostree.Checksum
	list     []string
	symlinks []*deb.Entry
	owners   []gvariant.Value
	links    []gvariant.Value
	digests  []dpkg.Digest
	digest   bool // the package ships no md5sums
}

func (i *importer) run(ctx context.Context, r *deb.Reader) (ostree.Checksum, error) {
	control, err := r.Control()
	if err != nil {
		return ostree.Checksum{}, err
	}
	if err := i.control(ctx, control); err != nil {
		return ostree.Checksum{}, err
	}
	if err := i.tree.Mkdir("files", dirMeta(0o755)); err != nil {
		return ostree.Checksum{}, err
	}
	for e, err := range r.Data(ctx) {
		if err == nil {
			err = i.entry(ctx, e)
		}
		if err != nil {
			return ostree.Checksum{}, err
		}
	}
	for _, e := range i.symlinks {
		if err := i.symlink(ctx, e); err != nil {
			return ostree.Checksum{}, err
		}
	}
	if err := i.write(ctx, "list", 0o644, dpkg.FormatFiles(i.list)); err != nil {
		return ostree.Checksum{}, err
	}
	if i.digest {
		if err := i.write(ctx, "md5sums", 0o644, dpkg.FormatDigests(i.digests)); err != nil {
			return ostree.Checksum{}, err
		}
	}
	return i.commit(ctx)
}

// control stores the control files.
func (i *importer) control(ctx context.Context, c deb.Control) error {
	if err := i.tree.Mkdir("control", dirMeta(0o755)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if err := i.write(ctx, "control/"+name, uint32(c[name].Mode.Perm()), c[name].Data); err != nil {
			return err
		}
	}
	_, shipped := c["md5sums"]
	i.digest = !shipped
	return nil
}

// entry stores one entry of the data archive, symbolic links last as dpkg does.
func (i *importer) entry(ctx context.Context, e *deb.Entry) error {
	if i.seen[e.Path] != nil {
		return i.unfit("%s is in the archive twice", e.Path)
	}
	i.seen[e.Path] = e
	switch e.Type {
	case deb.File:
		return i.file(ctx, e)
	case deb.HardLink:
		return i.hardLink(e)
	case deb.Directory:
		return i.directory(e)
	case deb.Symlink:
		i.symlinks = append(i.symlinks, e)
		return nil
	case deb.CharDevice, deb.BlockDevice, deb.FIFO:
	}
	return i.unfit("%s is a %s", e.Path, e.Type)
}

func (i *importer) file(ctx context.Context, e *deb.Entry) error {
	uid, gid := i.owner(e)
	content := io.Reader(e)
	hash := md5.New()
	if i.digest {
		content = io.TeeReader(e, hash)
	}
	sum, err := i.w.WriteFile(ctx, ostree.FileInfo{UID: uid, GID: gid, Mode: unix.S_IFREG | e.Mode}, content)
	if err != nil {
		return err
	}
	if i.digest {
		i.digests = append(i.digests, dpkg.Digest{Hash: hex.EncodeToString(hash.Sum(nil)), Path: e.Path})
	}
	return i.put(e, sum)
}

// hardLink gives a file another name. An OSTree commit has no hard links: both are the same object.
func (i *importer) hardLink(e *deb.Entry) error {
	target := i.seen[e.Target]
	if target.Mode != e.Mode || target.User != e.User || target.Group != e.Group || target.UID != e.UID || target.GID != e.GID {
		return i.unfit("the hard link %s has another owner or mode than %s", e.Path, e.Target)
	}
	i.owner(e)
	return i.put(e, i.sums[e.Target])
}

func (i *importer) symlink(ctx context.Context, e *deb.Entry) error {
	uid, gid := i.owner(e)
	sum, err := i.w.WriteFile(ctx, ostree.FileInfo{UID: uid, GID: gid, Mode: unix.S_IFLNK | 0o777, Target: e.Target}, nil)
	if err != nil {
		return err
	}
	i.links = append(i.links, gvariant.Tuple(gvariant.String(e.Path), gvariant.String(e.Target)))
	return i.put(e, sum)
}

// put places a file or link. Its directory must have come before: dpkg does not make one either.
func (i *importer) put(e *deb.Entry, sum ostree.Checksum) error {
	if err := i.parent(e); err != nil {
		return err
	}
	i.sums[e.Path] = sum
	i.listed(e)
	return i.tree.SetFile("files/"+e.Path, sum)
}

func (i *importer) directory(e *deb.Entry) error {
	uid, gid := i.owner(e)
	meta := ostree.DirMeta{UID: uid, GID: gid, Mode: unix.S_IFDIR | e.Mode}
	i.listed(e)
	if e.Path == "." {
		return i.tree.SetMeta("files", meta)
	}
	if err := i.parent(e); err != nil {
		return err
	}
	return i.tree.Mkdir("files/"+e.Path, meta)
}

// parent makes sure that the directory of an entry is one in this package.
func (i *importer) parent(e *deb.Entry) error {
	dir := path.Dir(e.Path)
	if dir == "." {
		return nil
	}
	if p := i.seen[dir]; p == nil || p.Type != deb.Directory {
		return i.unfit("%s is below what is no directory of the package", e.Path)
	}
	return nil
}

// listed adds an entry to the list of files. The root is "/.".
func (i *importer) listed(e *deb.Entry) { i.list = append(i.list, "/"+e.Path) }

// owner returns the numbers for an object: those of root for root, and else those of the package, with
// the names noted.
func (i *importer) owner(e *deb.Entry) (uid, gid uint32) {
	uid, gid = uint32(e.UID), uint32(e.GID)
	if e.User == "root" {
		uid = 0
	}
	if e.Group == "root" {
		gid = 0
	}
	if e.User != "root" && e.User != "" || e.Group != "root" && e.Group != "" {
		i.owners = append(i.owners, gvariant.Tuple(gvariant.String(e.Path), gvariant.String(e.User), gvariant.String(e.Group)))
	}
	return uid, gid
}

// write stores a file of root.
func (i *importer) write(ctx context.Context, name string, mode uint32, data []byte) error {
	sum, err := i.w.WriteFile(ctx, ostree.FileInfo{Mode: unix.S_IFREG | mode}, bytes.NewReader(data))
	if err != nil {
		return err
	}
	return i.tree.SetFile(name, sum)
}

// commit writes the commit and its ref.
func (i *importer) commit(ctx context.Context) (ostree.Checksum, error) {
	tree, err := i.w.WriteTree(ctx, i.tree)
	if err != nil {
		return ostree.Checksum{}, err
	}
	k := i.source.Key
	c := ostree.Commit{Tree: tree, Subject: k.String(), Timestamp: time.Unix(0, 0)}
	for _, e := range [][2]string{
		{keyFormat, format},
		{keyName, k.Name},
		{keyVersion, k.Version},
		{keyArchitecture, k.Architecture},
		{keySHA256, i.source.SHA256},
	} {
		c.Metadata.Set(e[0], gvariant.String(e[1]))
	}
	c.Metadata.Set(keyOwners, gvariant.Array("(sss)", i.owners...))
	c.Metadata.Set(keyLinks, gvariant.Array("(ss)", i.links...))
	sum, err := i.w.WriteCommit(ctx, c)
	if err != nil {
		return ostree.Checksum{}, err
	}
	return sum, i.w.SetRef(k.Ref(), sum)
}

func (i *importer) unfit(format string, args ...any) error {
	return &UnsupportedError{Key: i.source.Key, Reason: strings.TrimSpace(fmt.Sprintf(format, args...))}
}

// keyOf reads the names of a package from its commit.
func keyOf(c *ostree.Commit) Key {
	return Key{c.Metadata.Str(keyName), c.Metadata.Str(keyVersion), c.Metadata.Str(keyArchitecture)}
}
