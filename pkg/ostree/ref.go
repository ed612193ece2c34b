package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Refs lists refs with the commits they name. An empty prefix lists all local
// and remote refs. "a/b" lists the local ref of that name and those below it,
// "REMOTE:" (or "REMOTE:.") and "REMOTE:a/b" do so for a remote. Aliases are listed like the
// refs they stand for. Refs of parent repositories are not listed.
func (r *Repo) Refs(ctx context.Context, prefix string) (map[Refspec]Checksum, error) {
	remote, below, qualified := strings.Cut(prefix, ":")
	if !qualified {
		remote, below = "", prefix
	}
	if qualified && below == "." {
		below = ""
	}
	files, err := r.refFiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("refs of repository %s: %w", r.path, err)
	}
	refs := make(map[Refspec]Checksum)
	for path, c := range files {
		ref, ok := refspecFromPath(path)
		if !ok || prefix != "" && ref.Remote != remote {
			continue
		}
		if below == "" || ref.Ref == below || strings.HasPrefix(ref.Ref, strings.TrimSuffix(below, "/")+"/") {
			refs[ref] = c
		}
	}
	return refs, nil
}

// refspecFromPath is the reverse of Refspec.path. Refs of collections have none.
func refspecFromPath(path string) (Refspec, bool) {
	if ref, ok := strings.CutPrefix(path, "heads/"); ok {
		return Refspec{Ref: ref}, true
	}
	if rest, ok := strings.CutPrefix(path, "remotes/"); ok {
		remote, ref, ok := strings.Cut(rest, "/")
		return Refspec{Remote: remote, Ref: ref}, ok
	}
	return Refspec{}, false
}

// refFiles returns every ref of the repository by its path below the directory
// refs, those of collections in mirrors included.
func (r *Repo) refFiles(ctx context.Context) (map[string]Checksum, error) {
	refs := make(map[string]Checksum)
	for _, top := range []string{"heads", "remotes", "mirrors"} {
		// A repository made before there were collections has no mirrors. One that
		// lacks another directory is damaged, and to say that it has no refs would
		// let prune delete everything.
		if _, err := fsx.StatAt(r.fd, "refs/"+top); err != nil && (top != "mirrors" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		if err := r.walkRefs(ctx, top, refs); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

func (r *Repo) walkRefs(ctx context.Context, dir string, refs map[string]Checksum) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d, err := fsx.OpenDirAt(r.fd, "refs/"+dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isFragment(e.Name()) {
			continue // a left-over of another program, such as .latest_rsync
		}
		path := dir + "/" + e.Name()
		if e.IsDir() {
			err = r.walkRefs(ctx, path, refs)
		} else {
			err = r.addRef(d, e, path, refs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addRef reads a ref that was found in a directory.
func (r *Repo) addRef(dir *os.File, e fs.DirEntry, path string, refs map[string]Checksum) error {
	var c Checksum
	var err error
	if e.Type().IsRegular() {
		c, err = readRefFile(int(dir.Fd()), e.Name(), path)
	} else {
		c, err = r.readRef(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted since the directory was read, or a dangling alias
	}
	if err == nil {
		refs[path] = c
	}
	return err
}

// readRefFile reads a ref that is no alias. There may be tens of thousands.
func readRefFile(dir int, name, path string) (Checksum, error) {
	data, err := appendFile(nil, dir, name, maxRefSize)
	if err != nil {
		return Checksum{}, err
	}
	return parseRefText(data, path)
}

// readRef reads the ref at a path below the directory refs. An alias is a
// relative symbolic link, which cannot lead out of that directory.
func (r *Repo) readRef(path string) (Checksum, error) {
	refs, err := fsx.OpenDirAt(r.fd, "refs")
	if err != nil {
		return Checksum{}, err
	}
	defer refs.Close()
	f, err := fsx.OpenBeneath(int(refs.Fd()), path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) { // below a ref, or aliases of each other
		return Checksum{}, fs.ErrNotExist
	}
	if err != nil {
		return Checksum{}, err
	}
	defer f.Close()
	return parseRef(f, path)
}

func parseRef(f *os.File, path string) (Checksum, error) {
	st, err := f.Stat()
	if err != nil {
		return Checksum{}, err
	}
	if st.IsDir() {
		return Checksum{}, fs.ErrNotExist
	}
	data, err := readBounded(f, maxRefSize)
	if err != nil {
		return Checksum{}, err
	}
	return parseRefText(data, path)
}

func parseRefText(data []byte, path string) (Checksum, error) {
	c, err := ParseChecksum(strings.TrimRight(string(data), " \t\r\n"))
	return c, corrupt("ref "+path, err)
}

// maxRefSize is the most that the file of a ref may hold, in bytes.
const maxRefSize = 4096
