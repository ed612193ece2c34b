package layout

import (
	"bytes"
	"context"
	"path"
	"strings"
)

// owners tells which package a path belongs to, from dpkg's info/*.list (dpkg(1), FILES). Paths
// have no slash in front and are those of a merged /usr.
type owners map[string]string

// dpkgInfo is where dpkg keeps the lists of files.
const dpkgInfo = "var/lib/dpkg/info"

func (f *files) loadOwners(ctx context.Context) (owners, error) {
	lists, err := f.glob(dpkgInfo + "/*.list")
	if err != nil {
		return nil, err
	}
	own := owners{}
	for _, name := range lists {
		data, _, _, err := f.read(ctx, name)
		if err != nil {
			return nil, err
		}
		pkg, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".list"), ":")
		own.add(pkg, data)
	}
	return own, nil
}

// add records one list. Where packages share a directory it belongs to base-files, or else to the
// one that comes first in the alphabet: any rule will do, as long as it does not depend on order.
func (o owners) add(pkg string, list []byte) {
	for line := range bytes.SplitSeq(list, []byte("\n")) {
		name := mergedUsr(string(bytes.TrimPrefix(line, []byte("/"))))
		if name == "" || name == "." {
			continue
		}
		if old, ok := o[name]; ok && (old == "base-files" || old < pkg && pkg != "base-files") {
			continue
		}
		o[name] = pkg
	}
}

// mergedUsr rewrites a path below one of the directories that a merged /usr makes links of, since
// packages of Debian 12 still ship /lib/… and /bin/….
func mergedUsr(name string) string {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32":
		if first != name {
			return "usr/" + name
		}
	}
	return name
}
