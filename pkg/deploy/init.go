package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// InitOptions say how a new sysroot looks. The zero value is that of "ostree admin init-fs".
type InitOptions struct {
	// Modern leaves out the directories that a booted system does not need in its physical root
	// ("ostree admin init-fs --modern").
	Modern bool
	// Private lets only the owner into the directory ostree (that is "--epoch=2").
	Private bool
	// Mode is the mode of the repository. Other modes than the default, bare, copy every file on
	// deployment.
	Mode ostree.Mode
	// Options are those of the opened sysroot.
	Options Options
}

// Init makes a sysroot in a directory, which may exist, and opens it. What is there already is kept.
func Init(root string, opts InitOptions) (*Sysroot, error) {
	if opts.Private {
		if err := os.MkdirAll(root, 0o755); err != nil {
			return nil, fmt.Errorf("init sysroot: %w", err)
		}
		if err := mkdirMode(filepath.Join(root, "ostree"), 0o700); err != nil {
			return nil, fmt.Errorf("init sysroot: %w", err)
		}
	}
	dirs := []string{"boot", "ostree/deploy"}
	if !opts.Modern {
		dirs = append(dirs, "dev", "home", "proc", "run", "sys")
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return nil, fmt.Errorf("init sysroot: %w", err)
		}
	}
	if !opts.Modern {
		for dir, mode := range map[string]os.FileMode{"root": 0o700, "tmp": 0o777 | os.ModeSticky} {
			if err := mkdirMode(filepath.Join(root, dir), mode); err != nil {
				return nil, fmt.Errorf("init sysroot: %w", err)
			}
		}
	}
	repo, err := ostree.Init(filepath.Join(root, "ostree/repo"), opts.Mode, opts.Options.Repo)
	if err != nil {
		return nil, fmt.Errorf("init sysroot: %w", err)
	}
	if err := repo.Close(); err != nil {
		return nil, err
	}
	return Open(root, opts.Options)
}

// mkdirMode makes a directory with exactly a mode; an existing one is left alone.
func mkdirMode(path string, mode os.FileMode) error {
	err := os.Mkdir(path, mode.Perm())
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// staterootName is what can be part of a path, of a kernel argument and of a file name in /boot.
var staterootName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

// InitStateroot makes a stateroot: a place for deployments that share one /var. It is an error when
// it exists.
func (s *Sysroot) InitStateroot(ctx context.Context, name string) error {
	if !staterootName.MatchString(name) {
		return fmt.Errorf("init stateroot: %q is not a usable name; use letters, digits and . _ + -", name)
	}
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dir := filepath.Join(s.path, "ostree/deploy", name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("init stateroot: %w", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "var"), 0o755); err != nil {
		return fmt.Errorf("init stateroot: %w", err)
	}
	return s.touch()
}
