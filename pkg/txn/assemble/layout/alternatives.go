package layout

import (
	"context"
	"path"
	"strings"
)

// alternatives warns about links of update-alternatives(1) whose program is gone. Manual pages are
// left out: they dangle whenever documentation is.
func (f *folder) alternatives(ctx context.Context) error {
	const dir = "etc/alternatives"
	list, err := f.children(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		target, ok, err := f.target(ctx, path.Join(dir, e.Name))
		if err != nil {
			return err
		}
		if !ok || strings.HasPrefix(target, "/usr/share/man/") || strings.HasPrefix(target, "/usr/share/doc/") {
			continue
		}
		found, err := f.resolves(ctx, path.Join("/"+dir, e.Name))
		if err != nil {
			return err
		}
		if !found {
			f.warn("/%s/%s points to %s, which does not exist", dir, e.Name, target)
		}
	}
	return nil
}

// maxLinks is the kernel's limit of links in one look-up, path_resolution(7).
const maxLinks = 40

// resolves tells whether an absolute path leads to something in the tree. Paths into a file system
// that only a running machine has do.
func (f *files) resolves(ctx context.Context, name string) (bool, error) {
	done, todo := "", strings.TrimPrefix(path.Clean(name), "/")
	for links := 0; todo != ""; {
		first, rest, _ := strings.Cut(todo, "/")
		at := path.Join(done, first)
		e, ok, err := f.entry(at)
		if err != nil || !ok {
			return false, err
		}
		target := ""
		if !e.Dir {
			if target, _, err = f.target(ctx, at); err != nil {
				return false, err
			}
		}
		if target == "" {
			done, todo = at, rest
			continue
		}
		if links++; links > maxLinks {
			return false, nil
		}
		if !path.IsAbs(target) {
			target = path.Join("/", done, target)
		}
		done, todo = "", strings.TrimPrefix(path.Join(target, rest), "/")
		if first, _, _ := strings.Cut(todo, "/"); first == "run" || first == "proc" || first == "dev" {
			return true, nil
		}
	}
	return true, nil
}
