package layout

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// topDir is a directory of the plain tree that is a link in a commit.
type topDir struct {
	name, moved string
	optional    bool // only where a package brings it
}

func topDirs() []topDir {
	return []topDir{
		{name: "home", moved: "var/home"},
		{name: "root", moved: "var/roothome"},
		{name: "srv", moved: "var/srv"},
		{name: "mnt", moved: "var/mnt"},
		{name: "usr/local", moved: "var/usrlocal"},
		{name: "snap", moved: "var/lib/snapd/snap", optional: true},
	}
}

func (d topDir) target() string { return relative(d.name, d.moved) }

// mode is that of a directory which the plain tree lacks.
func (d topDir) mode() uint32 {
	if d.name == "root" {
		return 0o700
	}
	return 0o755
}

// mountpoints are the empty directories of a commit and their modes.
func mountpoints() []struct {
	name string
	mode uint32
} {
	return []struct {
		name string
		mode uint32
	}{
		{"boot", 0o755},
		{"dev", 0o755},
		{"proc", 0o555},
		{"run", 0o755},
		{"sys", 0o555},
		{"sysroot", 0o755},
		{"tmp", 0o1777},
	}
}

const (
	optDir      = "opt"
	optMoved    = "usr/lib/opt"
	optVar      = "var/opt"
	mediaDir    = "media"
	mediaTarget = "run/media"
	ostreeLink  = "ostree"
)

// topLevel replaces what must be writable on a machine by links into /var, and empties what the
// machine mounts over.
func (f *folder) topLevel(ctx context.Context) error {
	for _, d := range topDirs() {
		if err := f.foldTop(ctx, d); err != nil {
			return err
		}
	}
	if err := f.foldOpt(ctx); err != nil {
		return err
	}
	if err := f.foldMedia(ctx); err != nil {
		return err
	}
	for _, m := range mountpoints() {
		if err := f.foldMountpoint(m.name, m.mode); err != nil {
			return err
		}
	}
	if err := f.ostreeLink(ctx); err != nil {
		return err
	}
	return f.warnUnknownTop()
}

func (f *folder) foldTop(ctx context.Context, d topDir) error {
	e, ok, err := f.entry(d.name)
	if err != nil {
		return err
	}
	switch {
	case !ok && d.optional:
		return nil
	case ok && !e.Dir:
		if target, _, err := f.target(ctx, d.name); err != nil || target == d.target() {
			return err
		}
		return fmt.Errorf("/%s is not a directory: it becomes a link to /%s", d.name, d.moved)
	}
	taken, err := f.children(d.moved)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return fmt.Errorf("/%s has content (%s), but it is where /%s goes", d.moved, taken[0].Name, d.name)
	}
	if _, there, err := f.entry(d.moved); err != nil {
		return err
	} else if there {
		if err := f.tree.Remove(d.moved); err != nil {
			return err
		}
	}
	if ok {
		err = f.move(d.name, d.moved)
	} else {
		err = f.tree.MkdirAll(d.moved, dirMeta(d.mode()))
	}
	if err != nil {
		return err
	}
	return f.link(ctx, d.name, d.target())
}

// foldOpt keeps what packages ship in /opt read-only below /usr, where it is updated with the
// image, and leaves /opt itself to the machine.
func (f *folder) foldOpt(ctx context.Context) error {
	if err := f.absent(optMoved, optDir); err != nil {
		return err
	}
	list, err := f.children(optDir)
	if err != nil {
		return err
	}
	if err := f.mkdirAll(optVar); err != nil {
		return err
	}
	for _, e := range list {
		inVar := path.Join(optVar, e.Name)
		if _, taken, err := f.entry(inVar); err != nil {
			return err
		} else if taken {
			return fmt.Errorf("/opt/%s and /%s are both in the tree, but on an OSTree system /opt is /var/opt: the package that ships them cannot be in an image", e.Name, inVar)
		}
		moved := path.Join(optMoved, e.Name)
		if err := f.move(path.Join(optDir, e.Name), moved); err != nil {
			return err
		}
		if err := f.link(ctx, inVar, relative(inVar, moved)); err != nil {
			return err
		}
	}
	if err := f.removeIfThere(optDir); err != nil {
		return err
	}
	return f.link(ctx, optDir, optVar)
}

func (f *folder) foldMedia(ctx context.Context) error {
	list, err := f.children(mediaDir)
	if err != nil {
		return err
	}
	for _, e := range list {
		f.stripped(path.Join(mediaDir, e.Name), "/media is a link to /run/media")
	}
	if err := f.removeIfThere(mediaDir); err != nil {
		return err
	}
	return f.link(ctx, mediaDir, mediaTarget)
}

func (f *folder) ostreeLink(ctx context.Context) error {
	const target = "sysroot/ostree"
	if old, ok, err := f.target(ctx, ostreeLink); err != nil || ok && old == target {
		return err
	}
	if err := f.absent(ostreeLink, target); err != nil {
		return err
	}
	return f.link(ctx, ostreeLink, target)
}

func (f *folder) foldMountpoint(name string, mode uint32) error {
	list, err := f.children(name)
	if err != nil {
		return err
	}
	if len(list) > 0 { // strip and kernel emptied those that may have content
		return fmt.Errorf("/%s has content (%s), but the machine mounts over it", name, list[0].Name)
	}
	if err := f.removeIfThere(name); err != nil {
		return err
	}
	return f.tree.MkdirAll(name, dirMeta(mode))
}

// warnUnknownTop names what will be read-only on the machine although its owner may not expect it.
func (f *folder) warnUnknownTop() error {
	known := []string{
		"bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libo32", "libx32", "media", "mnt", "opt",
		"ostree", "proc", "root", "run", "sbin", "snap", "srv", "sys", "sysroot", "tmp", "usr", "var",
	}
	list, err := f.list("")
	if err != nil {
		return err
	}
	for _, e := range list {
		if !slices.Contains(known, e.Name) {
			f.warn("/%s is not a directory of the Filesystem Hierarchy Standard: it will be read-only", e.Name)
		}
	}
	return nil
}

// unfoldTop puts directories where the links are, with their content.
func (f *files) unfoldTop(ctx context.Context) error {
	for _, d := range topDirs() {
		target, ok, err := f.target(ctx, d.name)
		if err != nil {
			return err
		}
		if !ok || target != d.target() {
			continue
		}
		if err := f.unfoldTopDir(d); err != nil {
			return err
		}
	}
	if err := f.unfoldOpt(ctx); err != nil {
		return err
	}
	if target, ok, err := f.target(ctx, mediaDir); err != nil {
		return err
	} else if ok && target == mediaTarget {
		if err := f.replaceByDir(mediaDir, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{ostreeLink, "sysroot"} {
		if err := f.removeIfThere(name); err != nil {
			return err
		}
	}
	return nil
}

func (f *files) unfoldTopDir(d topDir) error {
	if err := f.replaceByDir(d.name, d.mode()); err != nil {
		return err
	}
	ok, err := f.isDir(d.moved)
	if err != nil || !ok {
		return err
	}
	if err := f.tree.Remove(d.name); err != nil {
		return err
	}
	return f.tree.Move(d.moved, d.name)
}

func (f *files) replaceByDir(name string, mode uint32) error {
	if err := f.tree.Remove(name); err != nil {
		return err
	}
	return f.tree.MkdirAll(name, dirMeta(mode))
}

func (f *files) unfoldOpt(ctx context.Context) error {
	target, ok, err := f.target(ctx, optDir)
	if err != nil || !ok || target != optVar {
		return err
	}
	if err := f.replaceByDir(optDir, 0o755); err != nil {
		return err
	}
	list, err := f.children(optMoved)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := f.removeIfThere(path.Join(optVar, e.Name)); err != nil {
			return err
		}
		if err := f.tree.Move(path.Join(optMoved, e.Name), path.Join(optDir, e.Name)); err != nil {
			return err
		}
	}
	return f.removeEmpty(optMoved)
}

// relative is the target of a symbolic link at one path to another, both without a slash in front.
func relative(from, to string) string {
	dir := path.Dir(from)
	if dir == "." {
		return to
	}
	up := strings.Repeat("../", strings.Count(dir, "/")+1)
	a, b := strings.Split(dir, "/"), strings.Split(to, "/")
	for len(a) > 0 && len(b) > 1 && a[0] == b[0] {
		a, b = a[1:], b[1:]
		up = strings.TrimPrefix(up, "../")
	}
	return up + strings.Join(b, "/")
}
