package deploy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// keepForeign carries the boot entries of others over to the new set, byte for byte.
func (w *writer) keepForeign() error {
	others, err := w.sysroot.foreignEntries(w.old.boot)
	for name, text := range others {
		if err := fsx.WriteFile(filepath.Join(w.sysroot.entriesDir(w.boot), name), text, 0o644); err != nil {
			return err
		}
	}
	return err
}

// foreignEntries are the texts of boot entries of others by the names of their files.
func (s *Sysroot) foreignEntries(boot int) (map[string][]byte, error) {
	dir := s.entriesDir(boot)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make(map[string][]byte)
	for _, file := range files {
		if !file.Type().IsRegular() || !strings.HasSuffix(file.Name(), ".conf") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			return nil, err
		}
		if !isOwnEntry(file.Name(), text) {
			found[file.Name()] = text
		}
	}
	return found, nil
}

// neededByOthers are the names of files and directories in /boot/ostree that boot entries of others lead to: other
// systems may keep their kernels there as well.
func (s *Sysroot) neededByOthers(boot int) (map[string]bool, error) {
	needed := make(map[string]bool)
	others, err := s.foreignEntries(boot)
	for _, text := range others {
		e, err := bootentry.Parse(text)
		if err != nil {
			continue // No boot loader reads an entry of that size.
		}
		for _, file := range e.Files() {
			for part := range strings.SplitSeq(file, "/") {
				needed[part] = true
			}
		}
	}
	return needed, err
}

// isOwnEntry tells the entry of a deployment from one that happens to have such a name.
func isOwnEntry(name string, text []byte) bool {
	if !strings.HasPrefix(name, "ostree-") {
		return false
	}
	e, err := bootentry.Parse(text)
	return err != nil || kargs.Parse(e.Get(bootentry.KeyOptions)).Has("ostree")
}
