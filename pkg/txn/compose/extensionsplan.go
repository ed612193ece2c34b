package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Files that are put beside the packages of extensions.
const (
	extensionsFile = "extensions.json"
	extensionsSum  = ".apt-ostree-state-chksum"
)

// ExtensionsPlan is which packages make the extensions for a base.
type ExtensionsPlan struct {
	Extensions map[string]Extension `json:"extensions"`
	// Packages are those that the base does not have, sorted by name.
	Packages []txn.PackageRef `json:"packages"`
	// Checksum is over all of it.
	Checksum string `json:"checksum"`

	client   *apt.Client
	packages []*apt.Package
}

// BasePackages lists what is installed in a commit, by default that of the treefile's ref.
func (c *Composer) BasePackages(ctx context.Context, rev string) ([]*apt.Package, error) {
	if rev == "" {
		rev = c.opts.Treefile.Ref
	}
	switch {
	case c.opts.Repo == nil:
		return nil, errors.New("compose: there is no repository to look for the base in")
	case rev == "":
		return nil, errors.New("the treefile has no ref: name the base commit")
	}
	sum, err := c.opts.Repo.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	return txn.Packages(ctx, c.opts.Repo, sum)
}

// RootPackages lists what is installed in a root tree, whether it has the shape of a commit or Debian's.
func RootPackages(dir string) ([]*apt.Package, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := dpkg.ReadStatusFS(root.FS())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return dpkg.Installed(entries), nil
}

// PlanExtensions chooses the packages of extensions for a base, none of whose packages may change.
func (c *Composer) PlanExtensions(ctx context.Context, e *Extensions, base []*apt.Package) (*ExtensionsPlan, error) {
	unlock, err := c.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	offer, err := c.archives(ctx, e.repos())
	if err != nil {
		return nil, err
	}
	p := &ExtensionsPlan{Extensions: e.Extensions, client: offer.client}
	var together []string
	for _, name := range slices.Sorted(maps.Keys(e.Extensions)) {
		x := e.Extensions[name]
		names, err := x.requests(base)
		if err != nil {
			return nil, fmt.Errorf("extension %s: %w", name, err)
		}
		if x.Kind == OSExtension {
			together = append(together, names...)
			continue
		}
		if err := p.addAlone(offer, names); err != nil {
			return nil, fmt.Errorf("extension %s: %w", name, err)
		}
	}
	tree := c.opts.Treefile
	solution, err := solve.Solve(ctx, offer.universe, solve.Request{
		Policy: offer.policy, Architecture: tree.Basearch, ForeignArchitectures: tree.ForeignArchitectures,
		Installed: base, Lock: true, Install: together, Exclude: tree.ExcludePackages, Recommends: tree.Recommends,
	})
	if err != nil {
		return nil, err
	}
	p.packages = append(p.packages, solution.Install...)
	return p, p.sum()
}

// requests are those of an extension, with the version of the base where that is asked for.
func (x Extension) requests(base []*apt.Package) ([]string, error) {
	if x.MatchBaseEVR == "" {
		return x.Packages, nil
	}
	i := slices.IndexFunc(base, func(p *apt.Package) bool { return p.Name == x.MatchBaseEVR })
	if i < 0 {
		return nil, fmt.Errorf("match-base-evr: the base has no package %s", x.MatchBaseEVR)
	}
	names := make([]string, 0, len(x.Packages))
	for _, name := range x.Packages {
		names = append(names, name+"="+base[i].Version.String())
	}
	return names, nil
}

// addAlone adds packages without what they depend on.
func (p *ExtensionsPlan) addAlone(offer *archives, names []string) error {
	for _, name := range names {
		found, err := offer.choose(name)
		if err != nil {
			return err
		}
		p.packages = append(p.packages, found)
	}
	return nil
}

// choose finds the best version of a request, NAME[:ARCH][=VERSION|/SUITE].
func (o *archives) choose(request string) (*apt.Package, error) {
	name, version, _ := strings.Cut(request, "=")
	name, suite, _ := strings.Cut(name, "/")
	name, arch, _ := strings.Cut(name, ":")
	var best *apt.Package
	for _, p := range o.universe.Versions(name) {
		switch {
		case arch != "" && p.Architecture != arch, arch == "" && p.Architecture != o.native && p.Architecture != "all":
		case version != "" && p.Version.String() != version:
		case suite != "" && (p.Origin == nil || p.Origin.Suite != suite && p.Origin.Codename != suite):
		case best == nil || o.policy.Priority(p, false) > o.policy.Priority(best, false):
			best = p
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no archive has %s", request)
	}
	return best, o.universe.Err()
}

// sum sorts the packages and hashes what was chosen.
func (p *ExtensionsPlan) sum() error {
	slices.SortFunc(p.packages, func(a, b *apt.Package) int { return strings.Compare(a.String(), b.String()) })
	p.packages = slices.Compact(p.packages)
	p.Packages = []txn.PackageRef{}
	for _, pkg := range p.packages {
		p.Packages = append(p.Packages, txn.NewPackageRef(pkg))
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	p.Checksum = hex.EncodeToString(sum[:])
	return nil
}

// WriteExtensions puts the packages of a plan into a directory, with a description of the extensions. If
// it holds what the plan says already, nothing is done.
func (c *Composer) WriteExtensions(ctx context.Context, p *ExtensionsPlan, dir string, reporter step.Reporter) (changed bool, err error) {
	before, err := os.ReadFile(filepath.Join(dir, extensionsSum))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if strings.TrimSpace(string(before)) == p.Checksum {
		return false, nil
	}
	run := &application{composer: c, plan: &Plan{client: p.client, packages: p.packages}}
	files, err := run.fetch(ctx, reporter, step.Step{Name: "Downloading packages", Do: run.download})
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	for i, file := range files {
		if err := copyFile(file, filepath.Join(dir, path.Base(p.packages[i].Filename))); err != nil {
			return false, err
		}
	}
	text, err := json.MarshalIndent(map[string]any{"extensions": p.Extensions}, "", "  ")
	if err != nil {
		return false, err
	}
	if err := fsx.WriteFile(filepath.Join(dir, extensionsFile), append(text, '\n'), 0o644); err != nil {
		return false, err
	}
	return true, fsx.WriteFile(filepath.Join(dir, extensionsSum), []byte(p.Checksum+"\n"), 0o644)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return fsx.ReplaceFile(to, 0o644, func(out *os.File) error { return fsx.CopyFile(out, in) }, func(*os.File) error { return nil })
}
