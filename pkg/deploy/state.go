package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// state is what the disk says: which of the two sets of boot entries and which of the two link
// farms are in effect, and the deployments in their order.
type state struct {
	// boot is the number in /boot/loader -> loader.BOOT, sub that in /ostree/boot.BOOT -> boot.BOOT.SUB.
	boot, sub int
	// deployments begin with the staged one, if there is one.
	deployments []Deployment
	// staging is what is known of the staged one; nil when there is none.
	staging *staging
}

// booted returns the running deployment, nil when none of this sysroot is running.
func (st *state) booted() *Deployment {
	return st.find(func(d Deployment) bool { return d.Booted })
}

// staged returns the staged deployment, nil when there is none.
func (st *state) staged() *Deployment {
	return st.find(func(d Deployment) bool { return d.Staged })
}

func (st *state) find(match func(Deployment) bool) *Deployment {
	if i := slices.IndexFunc(st.deployments, match); i >= 0 {
		return &st.deployments[i]
	}
	return nil
}

// Deployments returns the deployments, the one that boots next first. Boot entries are the source of
// truth, as for libostree: a directory without one is not a deployment.
func (s *Sysroot) Deployments(ctx context.Context) ([]Deployment, error) {
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	return st.deployments, nil
}

// load reads the state from disk.
func (s *Sysroot) load(ctx context.Context) (*state, error) {
	st := new(state)
	var err error
	if st.boot, err = s.readBootVersion(); err != nil {
		return nil, err
	}
	if st.sub, err = s.readSubVersion(st.boot); err != nil {
		return nil, err
	}
	host, err := s.readHost()
	if err != nil {
		return nil, err
	}
	if st.deployments, err = s.readEntries(ctx, st.boot, host); err != nil {
		return nil, err
	}
	if host.booted && st.booted() == nil {
		return nil, fmt.Errorf("the system runs a deployment of %s, but there is no boot entry for it in %s",
			s.path, s.entriesDir(st.boot))
	}
	if host.booted {
		if err := s.addStaged(ctx, st); err != nil {
			return nil, err
		}
	}
	for i := range st.deployments {
		st.deployments[i].Index = i
	}
	markAround(st.deployments)
	return st, nil
}

// markAround marks the deployments before and after the running one.
func markAround(list []Deployment) {
	booted := slices.IndexFunc(list, func(d Deployment) bool { return d.Booted })
	if booted < 0 {
		return
	}
	stateroot := list[booted].Stateroot
	for i := range list[:booted] {
		if list[i].Stateroot == stateroot {
			list[i].Pending = true
			break
		}
	}
	for i := booted + 1; i < len(list); i++ {
		if list[i].Stateroot == stateroot {
			list[i].Rollback = true
			break
		}
	}
}

// readBootVersion reads /boot/loader; 0 when it does not exist yet.
func (s *Sysroot) readBootVersion() (int, error) {
	path := filepath.Join(s.bootPath(), "loader")
	target, err := os.Readlink(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if info, statErr := os.Lstat(path); err != nil && statErr == nil {
		if info.IsDir() {
			return 0, &ForeignLoaderError{Path: path}
		}
		return 0, &CorruptError{Path: path, Err: errors.New("it is not a symbolic link")}
	}
	if err != nil {
		return 0, err
	}
	switch target {
	case "loader.0":
		return 0, nil
	case "loader.1":
		return 1, nil
	}
	return 0, &CorruptError{Path: path, Err: fmt.Errorf("it points to %q, not to loader.0 or loader.1", target)}
}

// readSubVersion reads /ostree/boot.VERSION; 0 when it does not exist yet.
func (s *Sysroot) readSubVersion(boot int) (int, error) {
	path := s.farmLink(boot)
	target, err := os.Readlink(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for sub := range 2 {
		if target == farmName(boot, sub) {
			return sub, nil
		}
	}
	return 0, &CorruptError{Path: path, Err: fmt.Errorf("it points to %q, not to %s or %s", target, farmName(boot, 0), farmName(boot, 1))}
}

func farmName(boot, sub int) string { return fmt.Sprintf("boot.%d.%d", boot, sub) }

func (s *Sysroot) farmLink(boot int) string {
	return filepath.Join(s.path, fmt.Sprintf("ostree/boot.%d", boot))
}

func (s *Sysroot) farmDir(boot, sub int) string {
	return filepath.Join(s.path, "ostree", farmName(boot, sub))
}

func (s *Sysroot) loaderDir(boot int) string {
	return filepath.Join(s.bootPath(), fmt.Sprintf("loader.%d", boot))
}

func (s *Sysroot) entriesDir(boot int) string { return filepath.Join(s.loaderDir(boot), "entries") }

// readEntries reads the boot entries and the deployments they are for, sorted.
func (s *Sysroot) readEntries(ctx context.Context, boot int, host host) ([]Deployment, error) {
	dir := s.entriesDir(boot)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Deployment
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), "ostree-") || !strings.HasSuffix(file.Name(), ".conf") {
			continue
		}
		path := filepath.Join(dir, file.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		entry, err := bootentry.Parse(data)
		if err != nil {
			return nil, &CorruptError{Path: path, Err: err}
		}
		d, ok, err := s.readDeployment(ctx, entry, host)
		if err != nil {
			return nil, fmt.Errorf("boot entry %s: %w", path, err)
		}
		if !ok {
			continue // A foreign entry that happens to have such a name.
		}
		d.file, _ = bootentry.ParseName(file.Name())
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b Deployment) int {
		return bootentry.CompareVersions(b.entry.Get(bootentry.KeyVersion), a.entry.Get(bootentry.KeyVersion))
	})
	return list, nil
}
