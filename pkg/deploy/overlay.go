package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// overlayDir is where additional initrds are in /boot, named by their checksum.
const overlayDir = "ostree/initramfs-overlays"

// OverlayInitrds returns the SHA-256 checksums, in hexadecimal, of the initrds that are loaded after
// that of the commit.
func (d Deployment) OverlayInitrds() []string {
	if len(d.overlays) > 0 {
		return slices.Clone(d.overlays)
	}
	var sums []string
	for _, path := range d.entry.Overlays() {
		sums = append(sums, strings.TrimSuffix(filepath.Base(path), ".img"))
	}
	return sums
}

// stageInitrds copies additional initrds to where they wait for being installed in /boot, and
// returns their names. /run is enough: a deployment that is not written before the machine stops
// is lost as well.
func (s *Sysroot) stageInitrds(ctx context.Context, files []string) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(s.stagedInitrds(), 0o755); err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		name, err := s.stageInitrd(ctx, file)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (s *Sysroot) stageInitrd(ctx context.Context, file string) (name string, err error) {
	hash := sha256.New()
	if err := hashFile(ctx, hash, os.DirFS(filepath.Dir(file)), filepath.Base(file)); err != nil {
		return "", err
	}
	name = hex.EncodeToString(hash.Sum(nil))
	return name, copyInitrd(file, filepath.Join(s.stagedInitrds(), name))
}

// installOverlays copies the additional initrds of a new deployment into /boot, unless they are
// there.
func (s *Sysroot) installOverlays(d Deployment) error {
	for _, name := range d.overlays {
		target := filepath.Join(s.bootPath(), overlayDir, name+".img")
		if _, err := os.Lstat(target); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := copyInitrd(filepath.Join(s.stagedInitrds(), name), target); err != nil {
			return err
		}
	}
	return nil
}

// copyInitrd copies a file; the copy appears complete or not at all.
func copyInitrd(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if info, err := src.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, &fs.PathError{Op: "copy", Path: from, Err: errors.New("it is not a regular file")})
	}
	copyContent := func(dst *os.File) error { return fsx.CopyFile(dst, src) }
	return fsx.ReplaceFile(to, 0o644, copyContent, func(*os.File) error { return nil })
}
