package assemble

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// policyPath is what invoke-rc.d(8) asks before it starts a service. It is the
// only place it looks.
const policyPath = "usr/sbin/policy-rc.d"

// policyText forbids every action.
const policyText = "#!/bin/sh\n# written by apt-ostree while packages are configured\nexit 101\n"

// policyAside keeps the tree's own policy while ours is in its place.
const policyAside = policyPath + ".apt-ostree"

// forbidServices writes a policy that lets no script start a service. A policy
// that a package or the base brought is put aside. [builder.allowServices]
// takes it back.
func (b *builder) forbidServices() error {
	return b.inRoot(func(root *os.Root) error {
		if err := makeDir(root, "usr/sbin", 0o755); err != nil {
			return err
		}
		if err := root.Rename(policyPath, policyAside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return replaceFile(root, policyPath, []byte(policyText), 0o755)
	})
}

// allowServices removes our policy. A package may have brought one meanwhile;
// that one stays.
func (b *builder) allowServices() error {
	return b.inRoot(func(root *os.Root) error {
		text, err := root.ReadFile(policyPath)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if string(text) == policyText {
			if err := root.Remove(policyPath); err != nil {
				return err
			}
			text = nil
		}
		if text != nil { // the package's own new version counts
			return removeIfThere(root, policyAside)
		}
		if err := root.Rename(policyAside, policyPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// inRoot gives access to the merged tree that no link in it can lead out of.
func (b *builder) inRoot(do func(*os.Root) error) error {
	root, err := os.OpenRoot(b.cage.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := do(root); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	return nil
}

func removeIfThere(root *os.Root, name string) error {
	err := root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
