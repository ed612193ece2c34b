package assemble

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// stageFormat is part of every key: raise it when the same input gives another
// tree.
const stageFormat = 1

// stageKeys hashes what the tree of each stage is made from; nil if a package has
// no hash, as a local file.
func (b *builder) stageKeys() (map[stage]string, error) {
	all := unpacked(b.in.Batches)
	if slices.ContainsFunc(all, func(p *apt.Package) bool { return p.SHA256 == "" }) {
		return nil, nil
	}
	keys, h := map[stage]string{}, sha256.New()
	fmt.Fprintf(h, "stage %d\n%q %q %t\n%q\n", stageFormat, b.in.Architecture, b.in.ForeignArchitectures, b.in.ExcludeDocs, b.cage.env)
	if err := errors.Join(b.hashSeed(h), b.hashPrepared(h)); err != nil {
		return nil, fmt.Errorf("key of the input: %w", err)
	}
	for _, p := range essentialSet(b.in.Batches) {
		hashPackage(h, p)
	}
	keys[atEssential] = hex.EncodeToString(h.Sum(nil))
	fmt.Fprintf(h, "preseed %q\n", b.in.Preseed)
	for _, batch := range b.in.Batches {
		for _, p := range batch.Unpack {
			hashPackage(h, p)
		}
		for _, p := range batch.Configure {
			fmt.Fprintf(h, "configure %s\n", p)
		}
	}
	keys[atConfigured] = hex.EncodeToString(h.Sum(nil))
	return keys, nil
}

func hashPackage(h hash.Hash, p *apt.Package) { fmt.Fprintf(h, "unpack %s %s\n", p, p.SHA256) }

// hashSeed hashes the accounts of the seed.
func (b *builder) hashSeed(h hash.Hash) error {
	previous, err := b.seedDir()
	if previous == nil || err != nil {
		return err
	}
	for _, f := range accountFiles() {
		text, err := fs.ReadFile(previous, f.name)
		if ignoreMissing(err) != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n%s", f.name, len(text), text)
	}
	return nil
}

// hashPrepared hashes what the hook puts into an empty tree.
func (b *builder) hashPrepared(h hash.Hash) error {
	if b.in.Prepare == nil {
		return nil
	}
	dir := b.cage.path("prepared")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := b.in.Prepare(dir); err != nil {
		return fmt.Errorf("prepare the tree: %w", err)
	}
	return errors.Join(hashDir(h, dir), os.RemoveAll(dir))
}

// hashDir hashes the files below a directory with their modes and owners.
func hashDir(h hash.Hash, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := fsStat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %o %d %d %d\n", name, st.Mode, st.Uid, st.Gid, st.Size)
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			target, err := root.Readlink(name)
			fmt.Fprintf(h, "%q\n", target)
			return err
		case !e.Type().IsRegular():
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(h, f)
		return errors.Join(err, f.Close())
	})
}
