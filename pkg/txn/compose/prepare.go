package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Where a tree keeps what it was composed from.
const (
	// TreefilePath is the merged treefile.
	TreefilePath = "usr/share/apt-ostree/treefile.json"
	lockPath     = "usr/share/apt-ostree/packages.lock"
	sourcesPath  = "etc/apt/sources.list.d/apt-ostree.sources"
)

// prepare puts the files into the tree that packages and their scripts should find: the APT
// sources that the machine will layer from with their keys, and what the treefile adds.
func (a *application) prepare(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := put(root, sourcesPath, source.Format(a.plan.sources), 0o644); err != nil {
		return err
	}
	if err := a.copyKeyrings(root); err != nil {
		return err
	}
	if options := a.composer.opts.Treefile.localeOptions(); options != "" {
		if err := put(root, localeConfig, []byte(options), 0o644); err != nil {
			return err
		}
	}
	for _, pair := range a.composer.opts.Treefile.AddFiles {
		if err := addFile(root, pair[0], pair[1]); err != nil {
			return fmt.Errorf("treefile: add-files: %w", err)
		}
	}
	return nil
}

// recorded is what a tree says it was made of.
type recorded struct {
	Packages []txn.PackageRef `json:"packages"`
	Layers   []Layer          `json:"layers,omitempty"`
}

// record puts down in the tree what it was made from. It comes after the packages, so that they are
// not configured anew because something else has changed.
func (a *application) record(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	tree := a.composer.opts.Treefile
	if err := tree.adjust(root, a.plan.Version); err != nil {
		return err
	}
	text, err := tree.JSON()
	if err != nil {
		return err
	}
	lock, err := json.MarshalIndent(recorded{a.plan.Packages, a.plan.Layers}, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(put(root, TreefilePath, text, 0o644), put(root, lockPath, append(lock, '\n'), 0o644))
}

// copyKeyrings copies the keyrings that the sources name to the same paths in the tree. A package
// that ships one puts its own in place.
func (a *application) copyKeyrings(root *os.Root) error {
	for _, s := range a.plan.sources {
		for _, keyring := range s.SignedBy.Keyrings {
			data, err := readBounded(filepath.Join(a.composer.opts.Root, keyring))
			if err != nil {
				return fmt.Errorf("keyring of %s: %w", s, err)
			}
			if err := put(root, strings.TrimPrefix(path.Clean(keyring), "/"), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFile copies a file into the tree. /usr/etc is where a commit has what is /etc while packages
// are installed.
func addFile(root *os.Root, from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", from)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(to, "/")
	if rest, ok := strings.CutPrefix(name, "usr/etc/"); ok {
		name = "etc/" + rest
	}
	return put(root, name, data, info.Mode().Perm())
}

// put writes a file with exactly these permissions.
func put(root *os.Root, name string, data []byte, perm fs.FileMode) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.WriteFile(name, data, perm); err != nil {
		return err
	}
	return root.Chmod(name, perm)
}
