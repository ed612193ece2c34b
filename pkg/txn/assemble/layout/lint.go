package layout

import (
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

const setIDBits = 0o6000

// lint looks at every file once and refuses what must not be in an image.
func (f *folder) lint(ctx context.Context) error {
	l := linter{folder: f, unnamed: map[string]bool{}}
	return f.walk("", func(name string, e ostree.Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Dir {
			return l.owner(name, e.Meta.UID, e.Meta.GID)
		}
		info, err := f.store.FileInfo(ctx, e.File)
		if err != nil {
			return fmt.Errorf("/%s: %w", name, err)
		}
		return l.file(ctx, name, e, info)
	})
}

type linter struct {
	*folder
	unnamed map[string]bool // ids warned about
}

func (l *linter) file(ctx context.Context, name string, e ostree.Entry, info ostree.FileInfo) error {
	if strings.HasPrefix(path.Base(name), ostree.PassthroughWhiteoutPrefix) {
		l.report.Whiteouts = true
	}
	if err := l.owner(name, info.UID, info.GID); err != nil {
		return err
	}
	if strings.HasSuffix(name, ".dpkg-new") || strings.HasSuffix(name, ".dpkg-tmp") {
		return fmt.Errorf("/%s: dpkg did not finish: a package is unpacked and not configured", name)
	}
	switch info.Mode & typeMask {
	case typeLink:
		return nil
	case typeFile:
	default:
		return fmt.Errorf("/%s: file type %#o cannot be in a commit, only files, directories and links can", name, info.Mode&typeMask)
	}
	if info.Mode&setIDBits != 0 {
		l.report.SetID = append(l.report.SetID, SetID{Path: "/" + name, Mode: info.Mode & permMask, UID: info.UID, GID: info.GID})
	}
	return l.key(ctx, name, e, info)
}

// owner refuses files in /usr that belong to an id without a pin: on a machine where the id is
// somebody else's, so is the file. Elsewhere the machine can repair it.
func (l *linter) owner(name string, uid, gid uint32) error {
	if err := l.id(name, "user", "/etc/passwd", uid, l.names.uids); err != nil {
		return err
	}
	return l.id(name, "group", "/etc/group", gid, l.names.gids)
}

func (l *linter) id(name, kind, file string, id uint32, names map[uint32]string) error {
	if _, ok := names[id]; id == 0 || ok && systemID(id) {
		return nil
	}
	if strings.HasPrefix(name, "usr/") && !strings.HasPrefix(name, "usr/local/") {
		return fmt.Errorf("/%s belongs to %s %d, which is not a system %s in %s: give it an owner that every machine has", name, kind, id, kind, file)
	}
	if key := fmt.Sprint(kind, id); names[id] == "" && !l.unnamed[key] {
		l.unnamed[key] = true
		l.warn("/%s belongs to %s %d, which has no name in %s", name, kind, id, file)
	}
	return nil
}

const (
	// maxKey is the size up to which a file is searched for a private key. A key of 16384 bits is
	// 13 KB in PEM.
	maxKey = 64 << 10
)

// pemKey matches the start of a private key in PEM (RFC 7468) and of OpenSSH and PGP: the header
// and a line of the body, so that programs that only know the word do not match.
var pemKey = regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----\r?\n\s*([A-Za-z0-9+/=]{16}|[A-Za-z-]+: )`)

// key refuses private keys, except those that come in a package of a public archive and are
// therefore no secret, and those that were asked for.
func (l *linter) key(ctx context.Context, name string, e ostree.Entry, info ostree.FileInfo) error {
	if info.Size > maxKey || info.Size < 64 || path.Ext(name) == ".pyc" || slices.Contains(l.opts.KeepKeys, "/"+name) {
		return nil
	}
	if l.owners[name] != "" && !strings.HasPrefix(name, "etc/") {
		return nil
	}
	_, r, err := l.store.OpenFile(ctx, e.File)
	if err != nil {
		return fmt.Errorf("/%s: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxKey))
	if err2 := r.Close(); err == nil {
		err = err2
	}
	if err != nil {
		return fmt.Errorf("/%s: %w", name, err)
	}
	if pemKey.Match(data) {
		return fmt.Errorf("/%s: a private key, which every machine would share: remove it in a postprocess script, or list it as a key to keep", name)
	}
	return nil
}
