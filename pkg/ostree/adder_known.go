package ostree

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// storeKnown adds a file whose inode is that of an object. It returns false if
// the file has to be read.
func (a *adder) storeKnown(ctx context.Context, d *sourceDir, name, at string) (bool, error) {
	if a.opts.DevIno == nil {
		return false, nil
	}
	st, err := fsx.StatAt(int(d.Fd()), name)
	if err != nil {
		return false, err
	}
	c, ok := a.opts.DevIno.Lookup(st.Dev, st.Ino)
	if !ok {
		return false, nil
	}
	if a.opts.TrustDevIno {
		a.w.stats.cacheHits.Add(1)
		return true, a.putFile(at, c)
	}
	object, err := a.knownInfo(&st, d, name, c)
	if err != nil {
		return false, err
	}
	fi := object
	fi.Xattrs = a.kept(slices.Clone(object.Xattrs))
	if action, err := a.modify(at, &fi); err != nil || action == Skip {
		return true, err
	}
	if fi.SameMeta(object) {
		a.w.stats.cacheHits.Add(1)
		return true, a.putFile(at, c)
	}
	if c, err = a.rewrite(ctx, fi, c); err != nil {
		return true, err
	}
	return true, a.putFile(at, c)
}

// knownInfo describes the object that an inode is. Where the inode is like the
// file, attributes are not read if nothing depends on them.
func (a *adder) knownInfo(st *unix.Stat_t, d *sourceDir, name string, c Checksum) (FileInfo, error) {
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode, Size: st.Size}
	switch mode := a.w.store.mode; {
	case mode == ModeBareUserOnly:
		fi.UID, fi.GID = 0, 0
	case mode != ModeBare || a.opts.changesXattrs():
		return a.w.store.fileInfo(c)
	}
	if fi.IsSymlink() {
		var err error
		fi.Size = 0
		fi.Target, err = fsx.ReadLinkAt(int(d.Fd()), name)
		return fi, err
	}
	return fi, nil
}

// rewrite stores the content of an object with other metadata.
func (a *adder) rewrite(ctx context.Context, fi FileInfo, c Checksum) (Checksum, error) {
	_, content, err := a.w.store.openFile(c)
	if err != nil {
		return Checksum{}, err
	}
	defer content.Close()
	written, err := a.w.WriteFile(ctx, fi, content)
	if err != nil {
		return Checksum{}, fmt.Errorf("with the content of %s: %w", c, err)
	}
	return written, nil
}
