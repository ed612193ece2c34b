package ostree

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// A deltaOutput is a static delta that is being made, in a directory of its own
// until it is complete.
type deltaOutput struct {
	repo     *Repo
	dir      string // of the parts
	file     string // the superblock, if it is not to be in the repository
	part     *partWriter
	sealed   []*sealedPart
	sealing  errgroup.Group
	compared int
}

// A sealedPart is a part that gets nothing more.
type sealedPart struct {
	writer *partWriter
	data   []byte // compressed, kept only if it goes into the superblock
	sum    Checksum
	size   int64
}

func (r *Repo) newDeltaOutput(opts DeltaOptions) (*deltaOutput, error) {
	o := &deltaOutput{repo: r, part: &partWriter{}}
	// While some parts are compressed the next ones are collected, not without
	// bound.
	o.sealing.SetLimit(1)
	if opts.File != "" {
		o.dir, o.file = filepath.Dir(opts.File), opts.File
		return o, nil
	}
	o.dir = filepath.Join(r.path, "tmp", "delta-"+rand.Text()[:8])
	return o, os.Mkdir(o.dir, 0o775)
}

// discard removes what was written after an error.
func (o *deltaOutput) discard() error {
	err := o.sealing.Wait()
	if o.file == "" {
		return errors.Join(err, fsx.RemoveAll(o.dir))
	}
	for i, p := range o.sealed {
		if p.size > 0 && p.data == nil {
			err = errors.Join(err, ignoreNotExist(os.Remove(o.partPath(i))))
		}
	}
	return err
}

func (o *deltaOutput) partPath(i int) string { return filepath.Join(o.dir, strconv.Itoa(i)) }

// seal ends the current part and begins another.
func (o *deltaOutput) seal(ctx context.Context, plan *deltaPlan) error {
	p := &sealedPart{writer: o.part}
	i := len(o.sealed)
	o.sealed = append(o.sealed, p)
	o.part = &partWriter{}
	o.sealing.Go(func() error {
		return o.compress(ctx, p, i, plan.opts.Inline)
	})
	return nil
}

// compress makes the file of a part. What cannot be compressed stays as it is.
func (o *deltaOutput) compress(ctx context.Context, p *sealedPart, i int, inline bool) (err error) {
	plain, err := p.writer.encode(blobMaker{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	p.writer.payload = nil
	data, err := xz.Encode(ctx, plain.data)
	if err != nil {
		return err
	}
	compression := byte(partXZ)
	if len(data) >= len(plain.data) {
		compression, data = partPlain, plain.data
	}
	h := sha256.New()
	h.Write([]byte{compression})
	h.Write(data)
	p.sum, p.size = sumOf(h), int64(len(data))+1
	if inline {
		p.data = append([]byte{compression}, data...)
		return nil
	}
	return writeFileOf(o.partPath(i), []byte{compression}, data)
}

// writeFileOf writes a file of several pieces.
func writeFileOf(name string, pieces ...[]byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	for _, p := range pieces {
		if _, err := f.Write(p); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// finish writes the superblock and makes the delta visible.
func (o *deltaOutput) finish(ctx context.Context, plan *deltaPlan) error {
	if !o.part.empty() || len(o.sealed) == 0 {
		if err := o.seal(ctx, plan); err != nil {
			return err
		}
	}
	if err := o.sealing.Wait(); err != nil {
		return err
	}
	for _, p := range o.sealed {
		plan.report.Parts = append(plan.report.Parts, DeltaReportPart{
			Objects: p.writer.count, Size: uint64(p.size), Content: uint64(p.writer.content),
		})
	}
	data, err := plan.encodeSuperblock(ctx, o.sealed)
	if err != nil {
		return err
	}
	if o.file != "" {
		return fsx.WriteFile(o.file, data, 0o644)
	}
	if err := writeFileOf(filepath.Join(o.dir, "superblock"), data); err != nil {
		return err
	}
	return o.publish(plan.name)
}

// publish puts the directory in its place, or in that of an older delta.
func (o *deltaOutput) publish(name DeltaName) error {
	if o.repo.syncs() {
		if err := unix.Syncfs(o.repo.fd); err != nil {
			return err
		}
	}
	target := filepath.Join(o.repo.path, name.Path())
	if err := os.MkdirAll(path.Dir(target), 0o775); err != nil {
		return err
	}
	err := renameNew(unix.AT_FDCWD, o.dir, unix.AT_FDCWD, target)
	if errors.Is(err, os.ErrExist) {
		err = unix.Renameat2(unix.AT_FDCWD, o.dir, unix.AT_FDCWD, target, unix.RENAME_EXCHANGE)
		if errors.Is(err, unix.EINVAL) { // a file system that cannot exchange
			if err = fsx.RemoveAll(target); err == nil {
				err = os.Rename(o.dir, target)
			}
		}
		if err == nil {
			err = fsx.RemoveAll(o.dir)
		}
	}
	if err != nil || !o.repo.syncs() {
		return err
	}
	return fsx.SyncDir(path.Dir(target))
}
