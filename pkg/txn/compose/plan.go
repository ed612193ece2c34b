package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// keyInputHash is the commit metadata that tells whether a compose would give the same tree.
const keyInputHash = "apt-ostree.inputhash"

// Plan is what a compose comes to: plain data that encodes to JSON.
type Plan struct {
	Ref     string          `json:"ref,omitempty"`
	Parent  ostree.Checksum `json:"parent,omitzero"`
	Version string          `json:"version,omitempty"`
	// Packages are all packages of the tree, sorted by name.
	Packages []txn.PackageRef `json:"packages"`
	// Layers are put over the packages, in this order.
	Layers []Layer `json:"layers,omitempty"`
	// DownloadSize is in bytes and leaves out what the cache has.
	DownloadSize  int64 `json:"download-size"`
	InstalledSize int64 `json:"installed-size"`
	// InputHash is over the treefile, the files it names, the packages, the layers and the metadata that
	// the caller adds. Unchanged says that the previous commit has the same.
	InputHash string `json:"inputhash"`
	Unchanged bool   `json:"unchanged"`
	// Warnings are about what was asked for and is not there.
	Warnings []string `json:"warnings,omitempty"`

	architecture string

	now      time.Time
	parent   *ostree.Commit
	previous *previous // nil if there is nothing to compare with
	sources  []source.Source
	client   *apt.Client
	packages []*apt.Package
}

// planParent finds the commit that the new one follows.
func (c *Composer) planParent(ctx context.Context, p *Plan) error {
	rev := c.opts.Parent
	if c.opts.Repo == nil || c.opts.NoParent || rev == "" && p.Ref == "" {
		return nil
	}
	if rev == "" {
		rev = p.Ref
	}
	sum, err := c.opts.Repo.Resolve(ctx, rev)
	if errors.Is(err, ostree.ErrRefNotFound) && c.opts.Parent == "" {
		return nil // the first commit of its ref
	}
	if err != nil {
		return err
	}
	p.Parent = sum
	p.parent, err = c.opts.Repo.LoadCommit(ctx, sum)
	return err
}

// measure lists the packages and adds up their sizes.
func (p *Plan) measure() error {
	for _, pkg := range p.packages {
		p.Packages = append(p.Packages, txn.NewPackageRef(pkg))
		p.InstalledSize += pkg.InstalledSize
	}
	size, err := p.client.DownloadSize(p.packages)
	p.DownloadSize = size
	return err
}

// planHash compares the inputs with those of the previous commit.
func (c *Composer) planHash(p *Plan) (err error) {
	if p.InputHash, err = c.inputHash(p); err != nil {
		return err
	}
	_, before := c.before(p)
	p.Unchanged = !c.opts.Force && before == p.InputHash
	return nil
}

// planVersion gives the new commit its version: what the caller says, the treefile, or the next one.
func (c *Composer) planVersion(p *Plan) (err error) {
	if p.Version = c.opts.Metadata.Str(ostree.MetadataVersion); p.Version != "" {
		return nil
	}
	if v, ok := c.opts.Treefile.AddCommitMetadata[ostree.MetadataVersion].(string); ok {
		p.Version = v
		return nil
	}
	if prefix := c.opts.Treefile.AutomaticVersionPrefix; prefix != "" {
		before, _ := c.before(p)
		p.Version, err = NextVersion(prefix, c.opts.Treefile.AutomaticVersionSuffix, before, p.now)
	}
	return err
}

// inputHash is over everything the tree depends on, apart from the clock.
func (c *Composer) inputHash(p *Plan) (string, error) {
	h := sha256.New()
	tree, err := c.opts.Treefile.JSON()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "compose %d\n%s", composeVersion, tree)
	for _, name := range c.opts.Treefile.files() {
		if err := hashFile(h, name); err != nil {
			return "", fmt.Errorf("treefile: %w", err)
		}
	}
	for _, pkg := range p.Packages {
		fmt.Fprintf(h, "%s %s %s %s\n", pkg.Name, pkg.Version, pkg.Architecture, pkg.SHA256)
	}
	for _, l := range p.Layers {
		fmt.Fprintf(h, "layer %s %t\n", l.Commit, l.Override)
	}
	for _, e := range c.opts.Metadata {
		fmt.Fprintf(h, "metadata %q %s\n", e.Key, e.Value.Text())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// composeVersion is part of the input hash: raise it when the same inputs give another tree.
const composeVersion = 1

// files are the files outside the treefile that go into the tree.
func (t *Treefile) files() []string {
	var names []string
	for _, pair := range t.AddFiles {
		names = append(names, pair[0])
	}
	if t.PostprocessScript != "" {
		names = append(names, t.PostprocessScript)
	}
	return names
}

func hashFile(h io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "file %o %d\n", info.Mode().Perm(), info.Size())
	_, err = io.Copy(h, f)
	return err
}
