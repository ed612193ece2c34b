package debstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// RefPrefix is where the refs of packages are: RefPrefix/SHA256.
const RefPrefix = "apt-ostree/deb"

// keyControl is the commit metadata with the control paragraph, as bytes: old packages are not UTF-8.
const keyControl = "apt-ostree.deb.control"

// fileName is the one name in the tree of a commit.
const fileName = "package.deb"

// A Store is a repository that keeps packages. Others may use the repository too.
type Store struct{ repo *ostree.Repo }

// New returns the store in a repository, which must be open for writing to add to it. The repository
// stays the caller's.
func New(repo *ostree.Repo) *Store { return &Store{repo} }

// A File is a .deb.
type File struct {
	Path string
	// SHA256 is what it must have, in lower case hexadecimal; the error is an [apt.HashMismatchError]
	// if it is another. It is required.
	SHA256 string
}

// Add keeps packages, in one update of the repository. Those that are kept already are not read.
func (s *Store) Add(ctx context.Context, files []File) error {
	var fresh []File
	for _, f := range files {
		has, err := s.Has(ctx, f.SHA256)
		if err != nil {
			return err
		}
		if !has {
			fresh = append(fresh, f)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return s.repo.Update(ctx, func(w *ostree.Writer) error {
		for _, f := range fresh {
			if err := add(ctx, w, f); err != nil {
				return fmt.Errorf("keep %s: %w", f.Path, err)
			}
		}
		return nil
	})
}

// add hashes what it stores, so that a file which changes meanwhile is not kept.
func add(ctx context.Context, w *ostree.Writer, file File) error {
	f, err := os.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	reader, err := deb.NewReader(f, info.Size(), deb.Options{})
	if err != nil {
		return err
	}
	control, err := reader.Control()
	if err != nil {
		return err
	}
	hash := sha256.New()
	object, err := w.WriteFile(ctx, ostree.FileInfo{Mode: unix.S_IFREG | 0o644}, io.TeeReader(f, hash))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != file.SHA256 {
		return &apt.HashMismatchError{URL: file.Path, Algorithm: "SHA256", Expected: file.SHA256, Got: got}
	}
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	if err := tree.SetFile(fileName, object); err != nil {
		return err
	}
	c := ostree.Commit{Subject: file.SHA256, Timestamp: time.Unix(0, 0)}
	c.Metadata.Set(keyControl, gvariant.Bytes(control.Paragraph()))
	if c.Tree, err = w.WriteTree(ctx, tree); err != nil {
		return err
	}
	sum, err := w.WriteCommit(ctx, c)
	if err != nil {
		return err
	}
	return w.SetRef(refOf(file.SHA256), sum)
}

func refOf(sum string) ostree.Refspec { return ostree.Refspec{Ref: RefPrefix + "/" + sum} }

// Has says whether a package is kept.
func (s *Store) Has(ctx context.Context, sum string) (bool, error) {
	_, err := s.find(ctx, sum)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// find gives the commit of a package; an [fs.ErrNotExist] if it is not kept.
func (s *Store) find(ctx context.Context, sum string) (ostree.Checksum, error) {
	missing := &fs.PathError{Op: "find package", Path: sum, Err: fs.ErrNotExist}
	if !isSHA256(sum) {
		return ostree.Checksum{}, missing
	}
	c, err := s.repo.Resolve(ctx, refOf(sum).String())
	if errors.Is(err, ostree.ErrRefNotFound) {
		return c, missing
	}
	return c, err
}

func isSHA256(sum string) bool {
	raw, err := hex.DecodeString(sum)
	return err == nil && len(raw) == sha256.Size && sum == strings.ToLower(sum)
}

// Load describes a package by its control paragraph; SHA256 is filled in as well. It is an
// [fs.ErrNotExist] if it is not kept.
func (s *Store) Load(ctx context.Context, sum string) (*apt.Package, error) {
	c, err := s.find(ctx, sum)
	if err != nil {
		return nil, err
	}
	commit, err := s.repo.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	value, ok := commit.Metadata.Lookup(keyControl)
	if !ok {
		return nil, fmt.Errorf("package %s: its commit %s lacks %s", sum, c, keyControl)
	}
	text, err := value.Bytes()
	if err == nil {
		var p *apt.Package
		if p, err = Parse(text); err == nil {
			p.SHA256 = sum
			return p, nil
		}
	}
	return nil, fmt.Errorf("package %s: %w", sum, err)
}

// Checkout puts the .deb into a directory, which exists, under a name of its own, and returns the path.
func (s *Store) Checkout(ctx context.Context, sum, dir string) (string, error) {
	c, err := s.find(ctx, sum)
	if err != nil {
		return "", err
	}
	commit, err := s.repo.LoadCommit(ctx, c)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, sum)
	if err := s.repo.CheckoutTree(ctx, commit.Tree, target, ostree.CheckoutOptions{}); err != nil {
		return "", fmt.Errorf("package %s: %w", sum, err)
	}
	return filepath.Join(target, fileName), nil
}

// Drop forgets packages that keep does not want, and returns how many it were. Their objects go with the
// next prune of the repository.
func (s *Store) Drop(ctx context.Context, keep func(sum string) bool) (int, error) {
	refs, err := s.repo.Refs(ctx, RefPrefix)
	if err != nil {
		return 0, err
	}
	var drop []ostree.Refspec
	for ref := range refs {
		if !keep(strings.TrimPrefix(ref.Ref, RefPrefix+"/")) {
			drop = append(drop, ref)
		}
	}
	if len(drop) == 0 {
		return 0, nil
	}
	return len(drop), s.repo.Update(ctx, func(w *ostree.Writer) error {
		for _, ref := range drop {
			if err := w.DeleteRef(ref); err != nil {
				return err
			}
		}
		return nil
	})
}
