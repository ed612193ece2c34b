package txn

import (
	"context"
	"iter"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// Owned is a file of an installed package.
type Owned struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	Version string `json:"version"`
}

// Owners finds the installed packages of the deployment that boots next with files that a pattern
// matches, by the rules of [apt.Client.FindFile]. The packages are in the order of their names.
func (s *System) Owners(ctx context.Context, pattern string) ([]Owned, error) {
	d, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := dpkg.ReadStatusFS(root.FS())
	if err != nil {
		return nil, err
	}
	database, err := dpkg.OpenDatabase(root.FS())
	if err != nil {
		return nil, err
	}
	var found []Owned
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !e.Installed() {
			continue
		}
		files, err := database.Files(e)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if apt.MatchFile(pattern, file) {
				found = append(found, Owned{Path: file, Package: e.Name, Version: e.Package.Version.String()})
			}
		}
	}
	return found, nil
}

// FindFile searches the archives of the deployment that boots next for the packages with a file; see
// [apt.Client.FindFile].
func (s *System) FindFile(ctx context.Context, pattern string, cacheOnly bool) iter.Seq2[apt.FileMatch, error] {
	return func(yield func(apt.FileMatch, error) bool) {
		d, err := s.current(ctx)
		if err != nil {
			yield(apt.FileMatch{}, err)
			return
		}
		opts, sources, _, err := s.aptClient(ctx, d, network(cacheOnly))
		if err != nil {
			yield(apt.FileMatch{}, err)
			return
		}
		client, err := apt.NewClient(opts)
		if err != nil {
			yield(apt.FileMatch{}, err)
			return
		}
		client.FindFile(ctx, sources, pattern)(yield)
	}
}
