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
	from, to := w.sysroot.entriesDir(w.old.boot), w.sysroot.entriesDir(w.boot)
	files, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		if !file.Type().IsRegular() || !strings.HasSuffix(file.Name(), ".conf") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err != nil {
			return err
		}
		if isOwnEntry(file.Name(), text) {
			continue
		}
		if err := fsx.WriteFile(filepath.Join(to, file.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// isOwnEntry tells the entry of a deployment from one that happens to have such a name.
func isOwnEntry(name string, text []byte) bool {
	if !strings.HasPrefix(name, "ostree-") {
		return false
	}
	e, err := bootentry.Parse(text)
	return err != nil || kargs.Parse(e.Get(bootentry.KeyOptions)).Has("ostree")
}
