package ostree

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/keyfile"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// A tristate is a setting of which "maybe" means where it is possible.
type tristate int

const (
	verityNo tristate = iota
	verityMaybe
	verityYes
)

// readIntegrity reads whether the kernel shall guard objects with fs-verity.
func (s *settings) readIntegrity(f *keyfile.File) error {
	if _, err := getTristate(f, "composefs"); err != nil { // for whoever deploys
		return err
	}
	var err error
	if s.verity, err = getTristate(f, "fsverity"); err != nil || s.verity != verityNo {
		return err
	}
	for _, old := range []struct {
		key   string
		value tristate
	}{{"opportunistic", verityMaybe}, {"required", verityYes}} {
		set, err := f.GetBool("ex-fsverity", old.key, false)
		if err != nil {
			return fmt.Errorf("ex-fsverity.%s: %w", old.key, err)
		}
		if set {
			s.verity = old.value
		}
	}
	return nil
}

func getTristate(f *keyfile.File, key string) (tristate, error) {
	const group = "ex-integrity"
	text := f.GetDefault(group, key, "no")
	switch text {
	case "no", "false", "0":
		return verityNo, nil
	case "maybe":
		return verityMaybe, nil
	case "yes", "true", "1":
		return verityYes, nil
	}
	return verityNo, &ConfigError{group, key, text, "no, maybe or yes is expected"}
}

// guard enables fs-verity for a finished file in the staging directory that is
// not open any more.
func (w *Writer) guard(name string) error {
	verity := w.repo.settings.verity
	if verity == verityNo || w.noVerity.Load() {
		return nil
	}
	f, err := fsx.OpenAt(w.staging.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	err = composefs.Enable(f)
	if errors.Is(err, unix.EACCES) { // the mode forbids writing, by which the kernel decides
		err = enableReadOnly(f)
	}
	if verity == verityMaybe && errors.Is(err, composefs.ErrUnsupported) {
		w.noVerity.Store(true) // it will not be different for the next file
		return nil
	}
	return verityError(err)
}

// enableReadOnly permits its owner to write to a file for a moment.
func enableReadOnly(f *os.File) error {
	st, err := fsx.StatAt(int(f.Fd()), "")
	if err != nil {
		return err
	}
	mode := st.Mode & 0o7777
	if err := unix.Fchmod(int(f.Fd()), mode|0o200); err != nil {
		return err
	}
	return errors.Join(composefs.Enable(f), unix.Fchmod(int(f.Fd()), mode))
}

func verityError(err error) error {
	if errors.Is(err, composefs.ErrUnsupported) {
		return fmt.Errorf("ex-integrity.fsverity of the repository is yes, and maybe would do without: %w", err)
	}
	return err
}
