package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// findOnVolumes looks at mounted volumes, in order.
func (r *Repo) findOnVolumes(ctx context.Context, refs []CollectionRef, opts FindOptions) ([]FoundRemote, error) {
	volumes := opts.Volumes
	if volumes == nil {
		var err error
		if volumes, err = Volumes(); err != nil {
			return nil, err
		}
	}
	var found []FoundRemote
	for _, volume := range volumes {
		more, err := r.findOnVolume(ctx, volume, refs, opts)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// findOnVolume asks the repositories of one volume. The first that has a ref
// counts; pulling it from several of one volume would be no faster.
func (r *Repo) findOnVolume(ctx context.Context, volume string, refs []CollectionRef, opts FindOptions) ([]FoundRemote, error) {
	taken := make(map[CollectionRef]bool)
	var found []FoundRemote
	for _, path := range volumeRepos(volume) {
		repo, err := r.openOnVolume(volume, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			var more []FoundRemote
			more, err = r.findInVolumeRepo(ctx, repo, refs, taken)
			found = append(found, more...)
			err = errors.Join(err, repo.Close())
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			opts.Ignored(path, err)
		}
	}
	return found, nil
}

// volumeRepos lists where repositories can be in a volume: first what
// ".ostree/repos.d" names, by name, then the well-known places.
func volumeRepos(volume string) []string {
	var paths []string
	entries, err := os.ReadDir(filepath.Join(volume, reposDir)) // sorted
	if err == nil {
		for _, e := range entries {
			paths = append(paths, filepath.Join(volume, reposDir, e.Name()))
		}
	}
	for _, path := range wellKnownRepos() {
		paths = append(paths, filepath.Join(volume, path))
	}
	return paths
}

// openOnVolume opens a repository of a volume, which anybody may have made: a
// link must not lead to another file system, and its configuration must not
// add objects from elsewhere.
func (r *Repo) openOnVolume(volume, path string) (repo *Repo, err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if repo, err = Open(path, Options{Clock: r.opts.Clock}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, repo.Close())
			repo = nil
		}
	}()
	if repo.parent != nil {
		return repo, errors.New("it has a parent repository")
	}
	top, err := fsx.StatAt(unix.AT_FDCWD, volume+"/.")
	if err != nil {
		return repo, err
	}
	own, other, err := identities(r, repo)
	switch {
	case err != nil:
		return repo, err
	case other.Dev != top.Dev:
		return repo, errors.New("it is on another file system than the volume")
	case own.Dev == other.Dev && own.Ino == other.Ino:
		return repo, errors.New("it is the repository that looks for remotes")
	}
	return repo, nil
}

// findInVolumeRepo gives one result per remote that is needed for its keys.
func (r *Repo) findInVolumeRepo(ctx context.Context, repo *Repo, refs []CollectionRef, taken map[CollectionRef]bool) ([]FoundRemote, error) {
	has, err := repo.CollectionRefs(ctx, "", CollectionRefsOptions{NoRemotes: true})
	if err != nil {
		return nil, err
	}
	byKeys := make(map[string]*FoundRemote)
	for i, ref := range refs {
		c, ok := has[ref]
		remote, trusted := r.keyRemote(ref.Collection)
		if !ok || !trusted || taken[ref] {
			continue
		}
		commit, err := repo.LoadCommit(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("ref %s: %w", ref, err)
		}
		f := byKeys[remote]
		if f == nil {
			f = newVolumeRemote(repo, remote, refs)
			byKeys[remote] = f
		}
		f.Refs[i].Commit, f.Refs[i].Timestamp = c, commit.Timestamp
		taken[ref] = true
	}
	var found []FoundRemote
	for _, remote := range slices.Sorted(maps.Keys(byKeys)) {
		found = append(found, *byKeys[remote])
	}
	return found, nil
}

func newVolumeRemote(repo *Repo, remote string, refs []CollectionRef) *FoundRemote {
	f := &FoundRemote{
		Finder: FindOnVolumes, Remote: remote, volume: repo.path,
		URL: (&url.URL{Scheme: "file", Path: repo.path}).String(), Refs: make([]FoundRef, len(refs)),
	}
	for i, ref := range refs {
		f.Refs[i].CollectionRef = ref
	}
	return f
}
