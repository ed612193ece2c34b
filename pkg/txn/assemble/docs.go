package assemble

import (
	"io/fs"
	"os"
	"path"
	"strings"
)

// docsConfig is where dpkg, here and in later changes, reads what to leave out.
const docsConfig = "etc/dpkg/dpkg.cfg.d/apt-ostree-nodocs"

// DocExcludes returns the options, dpkg(1) --path-exclude and --path-include,
// that keep documentation out of a tree. Licences stay, and so do the
// directories of manual pages: some scripts make links in them.
func DocExcludes() []string {
	return []string{
		"path-exclude=/usr/share/doc/*",
		"path-include=/usr/share/doc/*/copyright",
		"path-exclude=/usr/share/groff/*",
		"path-exclude=/usr/share/info/*",
		"path-exclude=/usr/share/lintian/*",
		"path-exclude=/usr/share/linda/*",
		"path-exclude=/usr/share/man/*",
		"path-include=/usr/share/man/man[1-9]",
	}
}

// excludeDocs tells dpkg for good.
func (b *builder) excludeDocs() error {
	return b.inRoot(func(root *os.Root) error {
		if err := makeDir(root, path.Dir(docsConfig), 0o755); err != nil {
			return err
		}
		return replaceFile(root, docsConfig, []byte(strings.Join(DocExcludes(), "\n")+"\n"), 0o644)
	})
}

// removeDocs does to files that were extracted what dpkg would have done.
func (b *builder) removeDocs() error {
	return b.inRoot(func(root *os.Root) error {
		for _, dir := range []string{"groff", "info", "lintian", "linda", "man"} {
			if err := emptyDir(root, "usr/share/"+dir); err != nil {
				return err
			}
		}
		return removeDocFiles(root, "usr/share/doc")
	})
}

func emptyDir(root *os.Root, dir string) error {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, entry := range entries {
		if err := root.RemoveAll(dir + "/" + entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

// removeDocFiles leaves usr/share/doc/PACKAGE/copyright.
func removeDocFiles(root *os.Root, dir string) error {
	packages, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, pkg := range packages {
		of := dir + "/" + pkg.Name()
		if !pkg.IsDir() {
			if err := root.Remove(of); err != nil {
				return err
			}
			continue
		}
		entries, err := fs.ReadDir(root.FS(), of)
		if err != nil {
			return err
		}
		kept := 0
		for _, entry := range entries {
			if entry.Name() == "copyright" {
				kept++
				continue
			}
			if err := root.RemoveAll(of + "/" + entry.Name()); err != nil {
				return err
			}
		}
		if kept == 0 {
			if err := root.Remove(of); err != nil {
				return err
			}
		}
	}
	return nil
}
