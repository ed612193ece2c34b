package ostree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A tombstone says that a commit existed and was deleted on purpose: a pull
// that asks for it as a parent then need not fail. It is an object of type
// [ObjectTombstone] that bears the checksum of the commit and holds an a{sv}
// with it. Prune and Fsck write them; writing the commit again removes its
// tombstone.

// HasTombstone reports whether a commit was deleted and its tombstone is left,
// here or in a parent repository.
func (r *Repo) HasTombstone(ctx context.Context, c Checksum) (bool, error) {
	return r.Has(ctx, ObjectName{c, ObjectTombstone})
}

// EnableTombstones makes the repository keep tombstones of deleted commits from
// now on, by setting core.tombstone-commits.
func (r *Repo) EnableTombstones() error {
	if r.keepsTombstones() {
		return nil
	}
	return r.SetConfigValue("core", "tombstone-commits", "true")
}

// keepsTombstones looks at the configuration as it was last written.
func (r *Repo) keepsTombstones() bool {
	value, _ := r.ConfigValue("core", "tombstone-commits")
	return value == "true" || value == "1"
}

func encodeTombstone(c Checksum) []byte {
	text := append([]byte(c.String()), 0)
	return gvariant.Dict(gvariant.Entry{Key: "commit", Value: gvariant.Bytes(text)}).Data()
}

// writeTombstones writes the tombstones of commits straight into the
// repository, in one step for the disk. It is called with the lock held.
func (r *Repo) writeTombstones(ctx context.Context, commits []Checksum) error {
	written := make(map[byte]bool)
	for _, c := range commits {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.writeTombstone(c); err != nil {
			return fmt.Errorf("tombstone of commit %s: %w", c, err)
		}
		written[c[0]] = true
	}
	if len(written) == 0 || !r.settings.sync || r.opts.NoSync {
		return nil
	}
	if err := unix.Syncfs(r.fd); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// writeTombstone gives the file its name when it is complete.
func (r *Repo) writeTombstone(c Checksum) error {
	name := objectPath(ObjectName{c, ObjectTombstone}, r.Mode())
	if err := makeObjectDir(r.store.fd, name[:2]); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(r.path, "tmp"), "tombstone-*")
	if err != nil {
		return err
	}
	_, err = f.Write(encodeTombstone(c))
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(r.path, "objects", name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeTombstone removes the tombstone of a commit that is written again.
func (r *Repo) removeTombstone(c Checksum) error {
	return ignoreNotExist(unlinkAt(r.store.fd, objectPath(ObjectName{c, ObjectTombstone}, r.Mode())))
}

// tombstonesOf returns the commits out of a list that neither exist nor have a
// tombstone.
func (r *Repo) lost(commits []Checksum) ([]Checksum, error) {
	var lost []Checksum
	for _, c := range commits {
		for _, t := range []ObjectType{ObjectCommit, ObjectTombstone} {
			ok, err := r.store.has(ObjectName{c, t})
			if err != nil {
				return nil, err
			}
			if ok {
				c = Checksum{}
				break
			}
		}
		if !c.IsZero() && !slices.Contains(lost, c) {
			lost = append(lost, c)
		}
	}
	return lost, nil
}
