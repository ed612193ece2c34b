package pkgcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// A Package is an imported package.
type Package struct {
	Key
	// SHA256 is that of the .deb.
	SHA256 string
	// Control are the control files, and Objects their file objects.
	Control deb.Control
	Objects map[string]ostree.Checksum
	// List are the paths in dpkg's order, absolute; the root is "/.".
	List []string
	// Digests is the object of the file md5sums that dpkg would make, zero if the package ships one.
	Digests ostree.Checksum
	// Owners are the names that own what does not belong to root, by the path without leading slash.
	Owners map[string]Owner
	// Links are the targets of symbolic links, by the path without leading slash.
	Links map[string]string
	// Tree holds the package; what it installs is below "files". It is not safe for concurrent use.
	Tree *ostree.Tree
}

// An Owner is a user and a group by name; "" where only the number counts.
type Owner struct{ User, Group string }

// maxControlFile bounds what is read of a control file; an import allows no more.
const maxControlFile = 64 << 20

// Load reads a package from its commit.
func (c *Cache) Load(ctx context.Context, commit ostree.Checksum) (*Package, error) {
	object, err := c.repo.LoadCommit(ctx, commit)
	if err != nil {
		return nil, err
	}
	p := &Package{Key: keyOf(object), SHA256: object.Metadata.Str(keySHA256), Control: deb.Control{}, Objects: map[string]ostree.Checksum{}}
	if p.Tree, err = c.repo.LoadTree(ctx, object.Tree); err == nil {
		err = errors.Join(p.readOwners(object.Metadata), p.readLinks(object.Metadata), c.readControl(ctx, p), c.readList(ctx, p))
	}
	if err != nil {
		return nil, fmt.Errorf("package cache: %s: %w", p.Key, err)
	}
	return p, nil
}

// readControl reads the control files.
func (c *Cache) readControl(ctx context.Context, p *Package) error {
	entries, err := p.Tree.ReadDir("control")
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, data, err := c.read(ctx, e.File)
		if err != nil {
			return err
		}
		p.Control[e.Name] = deb.ControlFile{Mode: fs.FileMode(info.Mode).Perm(), Data: data}
		p.Objects[e.Name] = e.File
	}
	return nil
}

// readList reads the list of paths, and finds the digests.
func (c *Cache) readList(ctx context.Context, p *Package) error {
	e, err := p.Tree.Lookup("list")
	if err != nil {
		return err
	}
	_, data, err := c.read(ctx, e.File)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		p.List = append(p.List, strings.TrimSuffix(line, "\n"))
	}
	e, err = p.Tree.Lookup("md5sums")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p.Digests = e.File
	return err
}

func (c *Cache) read(ctx context.Context, sum ostree.Checksum) (ostree.FileInfo, []byte, error) {
	info, content, err := c.repo.OpenFile(ctx, sum)
	if err != nil {
		return info, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(content, maxControlFile))
	return info, data, errors.Join(err, content.Close())
}

// readOwners decodes the names of owners.
func (p *Package) readOwners(m ostree.Metadata) error {
	p.Owners = map[string]Owner{}
	return tuples(m, keyOwners, 3, func(f []string) { p.Owners[f[0]] = Owner{f[1], f[2]} })
}

// readLinks decodes the targets of symbolic links.
func (p *Package) readLinks(m ostree.Metadata) error {
	p.Links = map[string]string{}
	return tuples(m, keyLinks, 2, func(f []string) { p.Links[f[0]] = f[1] })
}

// tuples calls add with each tuple of n strings in a value of the metadata.
func tuples(m ostree.Metadata, key string, n int, add func([]string)) error {
	list, ok := m.Lookup(key)
	if !ok {
		return fmt.Errorf("its commit lacks %s", key)
	}
	for _, entry := range list.Children() {
		fields := make([]string, n)
		for i := range fields {
			v, err := entry.At(i)
			if err == nil {
				fields[i], err = v.Str()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		add(fields)
	}
	return nil
}
