package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// USBOptions are the options of [Repo.CreateUSB]. The zero value is useful.
type USBOptions struct {
	// Path is where the repository lies in the volume. Empty means
	// ".ostree/repo", where [Repo.FindRemotes] looks by itself; for other places
	// than that and "ostree/repo" a link in ".ostree/repos.d" tells it.
	Path string
	// NoSync leaves out all syncing. The volume must then be unmounted properly.
	NoSync bool
	// Progress is as in [PullOptions].
	Progress func(PullProgress)
}

// A USBPathError says that a repository cannot be at a place in a volume.
type USBPathError struct {
	Volume, Path string
	Source       bool // it is the one to copy from; otherwise it is not in the volume
	Err          error
}

// Error implements error.
func (e *USBPathError) Error() string {
	switch {
	case e.Source:
		return fmt.Sprintf("%s in volume %s is the repository to copy from", e.Path, e.Volume)
	case e.Err != nil:
		return fmt.Sprintf("%s is not in volume %s: %v", e.Path, e.Volume, e.Err)
	}
	return fmt.Sprintf("%s is not in volume %s: it is on another file system", e.Path, e.Volume)
}

// Unwrap returns why it is not.
func (e *USBPathError) Unwrap() error { return e.Err }

// wellKnownRepos are the places where repositories are looked for in volumes.
func wellKnownRepos() []string {
	return []string{".ostree/repo", "ostree/repo", "var/lib/flatpak/repo"}
}

const reposDir = ".ostree/repos.d"

// CreateUSB copies refs of collections to a repository in a volume, the directory
// where a USB stick or the like is mounted, so that other machines can find them
// there without a network, see [Repo.FindRemotes]. Each ref must have a
// collection, and may name the commit that is copied instead of the current one.
// The repository is made if it does not exist, as an archive, which any file
// system can hold; other refs that it has are kept. Its summary is written, too.
func (r *Repo) CreateUSB(ctx context.Context, volume string, refs []PullRef, opts USBOptions) (*PullResult, error) {
	result, err := r.createUSB(ctx, volume, refs, opts)
	if err != nil {
		return nil, fmt.Errorf("copy refs to volume %s: %w", volume, err)
	}
	return result, nil
}

func (r *Repo) createUSB(ctx context.Context, volume string, refs []PullRef, opts USBOptions) (*PullResult, error) {
	if opts.Path == "" {
		opts.Path = wellKnownRepos()[0]
	}
	for _, ref := range refs {
		if err := ValidateCollectionID(ref.Collection); err != nil {
			return nil, err
		}
	}
	dst, err := r.initUSB(volume, opts)
	if err != nil {
		return nil, err
	}
	defer dst.Close()
	result, err := dst.PullLocal(ctx, r, PullOptions{Refs: refs, Mirror: true, NoSync: opts.NoSync, Progress: opts.Progress})
	if err != nil {
		return nil, err
	}
	if err := dst.UpdateSummary(ctx, SummaryOptions{NoMetadataCommit: true}); err != nil {
		return nil, err
	}
	return result, r.linkUSB(volume, opts.Path, dst)
}

// initUSB makes or opens the repository in a volume. It does not follow links out
// of the volume.
func (r *Repo) initUSB(volume string, opts USBOptions) (*Repo, error) {
	root, err := os.OpenRoot(volume)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := root.MkdirAll(opts.Path, 0o755); err != nil {
		return nil, &USBPathError{Volume: volume, Path: opts.Path, Err: err}
	}
	repoOpts := r.opts
	repoOpts.NoSync = repoOpts.NoSync || opts.NoSync
	dst, err := Init(filepath.Join(volume, opts.Path), ModeArchive, repoOpts)
	if err != nil {
		return nil, err
	}
	if err := checkUSB(r, dst, volume, opts.Path); err != nil {
		return nil, errors.Join(err, dst.Close())
	}
	return dst, nil
}

func checkUSB(src, dst *Repo, volume, path string) error {
	top, err := fsx.StatAt(unix.AT_FDCWD, volume+"/.")
	if err != nil {
		return err
	}
	from, to, err := identities(src, dst)
	if err != nil {
		return err
	}
	if from.Dev == to.Dev && from.Ino == to.Ino {
		return &USBPathError{Volume: volume, Path: path, Source: true}
	}
	if top.Dev != to.Dev {
		return &USBPathError{Volume: volume, Path: path}
	}
	return nil
}

func identities(a, b *Repo) (unix.Stat_t, unix.Stat_t, error) {
	first, err := fsx.StatAt(a.fd, ".")
	if err != nil {
		return first, first, err
	}
	second, err := fsx.StatAt(b.fd, ".")
	return first, second, err
}

// linkUSB makes a repository known that is not where everybody looks.
func (r *Repo) linkUSB(volume, repo string, dst *Repo) error {
	repo = path.Clean(filepath.ToSlash(repo))
	if repo == ".ostree/repo" || repo == "ostree/repo" {
		return nil
	}
	dir := filepath.Join(volume, reposDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if sameDir(filepath.Join(dir, e.Name()), dst) {
			return nil
		}
	}
	const most = 100
	for i := range most {
		name := filepath.Join(dir, fmt.Sprintf("%02d-generated", i))
		if err := os.Symlink("../../"+repo, name); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return fmt.Errorf("%s: all of %d names are in use", dir, most)
}

// sameDir tells whether a name leads to the directory of a repository.
func sameDir(name string, r *Repo) bool {
	a, err := os.Stat(name)
	if err != nil {
		return false
	}
	b, err := os.Stat(r.path)
	return err == nil && os.SameFile(a, b)
}
