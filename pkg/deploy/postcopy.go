package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// PostCopy restores what copying a sysroot file by file loses ("ostree admin post-copy"): deployments
// become immutable again, and where ex-integrity.fsverity of the repository asks for it, the kernel
// guards objects and images again. Doing it twice does no harm.
func (s *Sysroot) PostCopy(ctx context.Context) error {
	unlock, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := s.Deployments(ctx)
	if err != nil {
		return err
	}
	verity, _ := s.repo.ConfigValue("ex-integrity", "fsverity")
	if verity != "" && verity != "no" && verity != "false" {
		err := s.guardFiles(ctx, list)
		if err != nil && (!errors.Is(err, composefs.ErrUnsupported) || verity != "maybe") {
			return fmt.Errorf("enable fs-verity: %w", err)
		}
	}
	for _, d := range list {
		if s.opts.Mutable || d.Unlocked == string(UnlockHotfix) {
			continue
		}
		if err := setImmutable(d.Path, true); err != nil {
			return fmt.Errorf("deployment %s: %w", d.Name(), err)
		}
	}
	return s.touch()
}

// guardFiles enables fs-verity for the files of the repository and the images of deployments.
func (s *Sysroot) guardFiles(ctx context.Context, list []Deployment) error {
	objects := filepath.Join(s.path, "ostree/repo/objects")
	err := filepath.WalkDir(objects, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasSuffix(path, ".file") {
			return err
		}
		return errors.Join(ctx.Err(), guard(path))
	})
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := guard(filepath.Join(d.Path, composefsImage)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func guard(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(composefs.Enable(f), f.Close())
}
