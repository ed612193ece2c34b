package bootloader

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// Counter is a [Bootloader] that counts by itself how often the default may be tried, and not in the
// names of the boot entries in /boot.
type Counter interface {
	Bootloader
	// Tries returns how often the default of what is in effect may still be tried, and whether that is
	// counted.
	Tries(c Config) (left int, counted bool, err error)
	// SetTries changes how often it may still be tried, for when the boot loader could not.
	SetTries(ctx context.Context, c Config, left int) error
	// Good stops counting: the default works.
	Good(ctx context.Context, c Config) error
}

var (
	_ Counter = GRUB{}
	_ Counter = SystemdBoot{}
)

// Tries reads the environment block of the menu that is in effect.
func (GRUB) Tries(c Config) (left int, counted bool, err error) {
	text, err := os.ReadFile(filepath.Join(c.Boot, "loader", grubEnv))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil || len(text) != envSize {
		return 0, false, err // GRUB does not take a file of another size for an environment block either.
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, triesVariable+"="); ok {
			left, err := strconv.ParseUint(value, 10, 8)
			return int(left), err == nil, nil // The menu takes what is no number for no counter, too.
		}
	}
	return 0, false, nil
}

// SetTries writes the environment block.
func (GRUB) SetTries(_ context.Context, c Config, left int) error {
	return fsx.WriteFile(filepath.Join(c.Boot, "loader", grubEnv), environment(strconv.Itoa(left)), 0o600)
}

// Good empties the environment block.
func (g GRUB) Good(_ context.Context, c Config) error {
	if _, counted, err := g.Tries(c); err != nil || !counted {
		return err
	}
	return fsx.WriteFile(filepath.Join(c.Boot, "loader", grubEnv), environment(""), 0o600)
}

// Tries reads the name of the default's entry, which the boot loader changes with every try.
func (s SystemdBoot) Tries(c Config) (left int, counted bool, err error) {
	name, err := s.current(c)
	return name.name.TriesLeft, name.name.Counted, err
}

// SetTries changes the name.
func (s SystemdBoot) SetTries(_ context.Context, c Config, left int) error {
	return s.rename(c, func(n *bootentry.Name) { n.TriesLeft, n.TriesDone = left, n.TriesDone+1 })
}

// Good takes the counter off the name.
func (s SystemdBoot) Good(_ context.Context, c Config) error {
	return s.rename(c, func(n *bootentry.Name) { n.Counted = false })
}

// rename changes the name of the default's entry, if that is counted.
func (s SystemdBoot) rename(c Config, change func(*bootentry.Name)) error {
	name, err := s.current(c)
	if err != nil || !name.name.Counted {
		return err
	}
	next := name
	change(&next.name)
	if err := os.Rename(filepath.Join(s.entries(), name.file), filepath.Join(s.entries(), next.String())); err != nil {
		return err
	}
	return s.sync()
}

// current finds the entry of the default in the set that is in effect.
func (s SystemdBoot) current(c Config) (found mirrorName, err error) {
	names, err := s.sets()
	if err != nil || len(c.Names) == 0 {
		return found, err
	}
	for _, name := range names {
		isDefault := name.name.Version == c.Names[0].Version
		if !name.pending && isDefault && name.set%2 == c.Version && name.set > found.set {
			found = name
		}
	}
	return found, nil
}
