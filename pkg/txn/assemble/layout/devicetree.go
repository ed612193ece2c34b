package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// deviceTreeDirs are where packages put the device trees of a kernel: those of Debian, and those of Ubuntu.
func deviceTreeDirs(release string) []string {
	return []string{"usr/lib/linux-image-" + release, path.Join("usr/lib/firmware", release, "device-tree")}
}

// deviceTrees puts the device trees of the kernel where libostree looks for them as well. They are the same objects
// twice, which takes no room in a repository.
func (f *folder) deviceTrees(release string) error {
	to := path.Join(modules, release, "dtb")
	for _, own := range []string{to, path.Join(modules, release, "devicetree")} {
		if _, has, err := f.entry(own); err != nil || has {
			return err
		}
	}
	for _, from := range deviceTreeDirs(release) {
		isDir, err := f.isDir(from)
		if err != nil {
			return err
		}
		if isDir {
			return f.copyDir(from, to)
		}
	}
	return nil
}

// copyDir copies a directory with all it holds to where nothing is.
func (f *files) copyDir(from, to string) error {
	return f.tree.Walk(from, func(name string, e ostree.Entry) error {
		target := to + strings.TrimPrefix(name, from)
		if e.Dir {
			return f.tree.Mkdir(target, e.Meta)
		}
		return f.tree.SetFile(target, e.File)
	})
}

// unfoldDeviceTrees takes them away again: a package that is replaced brings others.
func (f *files) unfoldDeviceTrees() error {
	releases, err := f.children(modules)
	if err != nil {
		return err
	}
	for _, release := range releases {
		to := path.Join(modules, release.Name, "dtb")
		for _, from := range deviceTreeDirs(release.Name) {
			same, err := f.sameDir(from, to)
			if err != nil {
				return err
			}
			if same {
				if err := f.tree.Remove(to); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// sameDir reports whether two directories exist and hold the same.
func (f *files) sameDir(a, b string) (bool, error) {
	var lists [2][]string
	for i, dir := range []string{a, b} {
		isDir, err := f.isDir(dir)
		if err != nil || !isDir {
			return false, err
		}
		err = f.tree.Walk(dir, func(name string, e ostree.Entry) error {
			lists[i] = append(lists[i], fmt.Sprintf("%q %t %s %v", strings.TrimPrefix(name, dir), e.Dir, e.File, e.Meta))
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return slices.Equal(lists[0], lists[1]), nil
}
