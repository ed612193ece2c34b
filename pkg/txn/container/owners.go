package container

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// Components that are no packages. Each build makes them anew.
const (
	initramfs = "initramfs"        // the initramfs of the kernel
	database  = "package-database" // what dpkg and its helpers know
)

// Owners knows the packages of a commit and their files.
type Owners struct {
	Components []oci.Component
	owner      map[string]string
}

// ReadOwners reads dpkg's database of a commit. Without one the error matches
// [fs.ErrNotExist].
func ReadOwners(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum) (*Owners, error) {
	tree, err := repo.FS(ctx, commit)
	if err != nil {
		return nil, err
	}
	entries, err := dpkg.ReadStatusFS(tree)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	files, err := dpkg.OpenDatabase(tree)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	entries = slices.DeleteFunc(entries, func(e dpkg.Entry) bool { return !e.Installed() })
	slices.SortFunc(entries, func(a, b dpkg.Entry) int { return strings.Compare(a.InfoName(), b.InfoName()) })
	o := &Owners{owner: make(map[string]string)}
	dates := make([][]time.Time, len(entries))
	for i, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list, err := files.Files(e)
		if err != nil {
			return nil, fmt.Errorf("files of %s: %w", e.InfoName(), err)
		}
		for _, file := range list {
			o.add(file, e.InfoName())
		}
		if dates[i], err = changeDates(tree, e.Name); err != nil {
			return nil, fmt.Errorf("changelog of %s: %w", e.Name, err)
		}
	}
	for i, e := range entries {
		o.Components = append(o.Components, oci.Component{
			Name: e.InfoName(), Source: e.Package.Source, Changes: changesInAYear(dates[i], newest(dates)),
		})
	}
	return o, nil
}

// add notes the owner of a file as dpkg calls it. Of several packages the first counts.
func (o *Owners) add(file, name string) {
	at := inCommit(strings.TrimPrefix(file, "/"))
	if _, taken := o.owner[at]; !taken {
		o.owner[at] = name
	}
}

// Owner gives the component that a file of the commit belongs to; "" if it belongs to none.
func (o *Owners) Owner(file string) string {
	switch {
	case strings.HasPrefix(file, "usr/lib/modules/") && strings.HasPrefix(path.Base(file), "initr"):
		return initramfs
	case strings.HasPrefix(file, "usr/lib/sysimage/"):
		return database
	}
	return o.owner[file]
}

// topDirs are those that are links into usr, where usr is merged.
var topDirs = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// bootFiles are the beginnings of names in boot, and what they are called beside the modules.
var bootFiles = map[string]string{"vmlinuz-": "vmlinuz", "config-": "config", "System.map-": "System.map"}

// inCommit is where package layout puts a file of a plain system, see its documentation.
func inCommit(file string) string {
	top, rest, _ := strings.Cut(file, "/")
	switch {
	case slices.Contains(topDirs, top), top == "etc":
		return "usr/" + file
	case top == "var":
		return "usr/share/factory/" + file
	case top == "opt":
		return "usr/lib/" + file
	case top == "boot":
		for prefix, name := range bootFiles {
			if kernel, ok := strings.CutPrefix(rest, prefix); ok {
				return path.Join("usr/lib/modules", kernel, name)
			}
		}
	}
	return file
}
