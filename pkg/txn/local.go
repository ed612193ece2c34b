package txn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
)

// offer is a local package that changes of a System may name.
type offer struct {
	file *os.File // a private copy without a name
	pkg  *apt.Package
}

// path is how the file can be opened.
func (o offer) path() string { return fmt.Sprintf("/proc/self/fd/%d", o.file.Fd()) }

// AddLocal makes a .deb known to the changes of this System, and returns what [Change.InstallLocal] and
// [Change.OverrideReplaceLocal] call it: DIGEST:NAME_VERSION_ARCH, where DIGEST is the SHA-256 of the
// file. The content is read once and copied, so that nobody can change it afterwards; Apply keeps it in
// the repository as long as a deployment asks for it. An error that is deb.ErrFormat says that it is no
// package.
func (s *System) AddLocal(ctx context.Context, r io.Reader) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	file, err := s.anonymous()
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, r)
	var pkg *apt.Package
	if err == nil {
		pkg, err = debstore.Read(file)
	}
	if err != nil {
		return "", errors.Join(err, file.Close())
	}
	if old, ok := s.offers[pkg.SHA256]; ok {
		return localID(old.pkg), file.Close()
	}
	pkg.Path = full(pkg) + ".deb"
	if s.offers == nil {
		s.offers = map[string]offer{}
	}
	s.offers[pkg.SHA256] = offer{file, pkg}
	return localID(pkg), nil
}

// anonymous makes a file without a name in the repository's directory for such, which has room for
// packages.
func (s *System) anonymous() (*os.File, error) {
	file, err := os.CreateTemp(filepath.Join(s.Repo().Path(), "tmp"), "local-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// dropOffers closes the files of local packages.
func (s *System) dropOffers() error {
	var err error
	for _, o := range s.offers {
		err = errors.Join(err, o.file.Close())
	}
	s.offers = nil
	return err
}

// localID is how origins name a local package.
func localID(p *apt.Package) string { return p.SHA256 + ":" + full(p) }

// full names a version of a package in one word, as pools name files.
func full(p *apt.Package) string { return p.Name + "_" + p.Version.String() + "_" + p.Architecture }

// parseLocal splits what localID made. The version may have a colon of its own.
func parseLocal(id string) (digest, name string, err error) {
	digest, name, ok := strings.Cut(id, ":")
	if !ok || len(digest) != 64 || strings.Count(name, "_") != 2 {
		return "", "", &RequestError{Message: fmt.Sprintf("%q does not name a local package: DIGEST:NAME_VERSION_ARCH", id)}
	}
	return digest, name, nil
}

// namesLocal says whether a user means an entry by a word: NAME[:ARCH[=VERSION]], NAME_VERSION_ARCH or the
// whole entry.
func namesLocal(word, id string) bool {
	_, name, err := parseLocal(id)
	if err != nil {
		return word == id
	}
	fields := strings.Split(name, "_")
	key := fields[0] + ":" + fields[2]
	return slices.Contains([]string{id, name, fields[0], key, key + "=" + fields[1]}, word)
}

// sameLocal says whether two entries are for the same package, in whatever version.
func sameLocal(a, b string) bool {
	_, x, errX := parseLocal(a)
	_, y, errY := parseLocal(b)
	if errX != nil || errY != nil {
		return a == b
	}
	p, q := strings.Split(x, "_"), strings.Split(y, "_")
	return p[0] == q[0] && p[2] == q[2]
}

// loadLocal finds the package of an entry: what was offered, or what the repository has kept. It is for a
// request, or replaces a package of the base.
func (s *System) loadLocal(ctx context.Context, id string, replaces bool) (*apt.Package, error) {
	digest, name, err := parseLocal(id)
	if err != nil {
		return nil, err
	}
	pkg := s.offers[digest].pkg
	if pkg == nil {
		pkg, err = debstore.New(s.Repo()).Load(ctx, digest)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &LocalError{Package: name, Digest: digest, Repo: s.Repo().Path(), Replaces: replaces}
		}
		if err != nil {
			return nil, err
		}
		pkg.Path = full(pkg) + ".deb"
	}
	if full(pkg) != name {
		return nil, &RequestError{Message: fmt.Sprintf("local package %s is in fact %s", id, full(pkg))}
	}
	return pkg, nil
}

// LocalError says that a local package is asked for and nobody has it.
type LocalError struct {
	Package, Digest, Repo string
	// Replaces says that it is to take the place of a package of the base.
	Replaces bool
}

func (e *LocalError) Error() string {
	return fmt.Sprintf("local package %s (SHA-256 %s) is not in %s; give its file again", e.Package, e.Digest, e.Repo)
}
