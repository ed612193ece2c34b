// Package treelist lists a file system tree so that two trees can be compared: what a commit of
// them would hold, with owners by name, because ids depend on the order of installation.
package treelist

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Tree is what a tree holds, by path with a leading slash.
type Tree map[string]Entry

// Entry describes one file, directory or link. Entries are comparable.
type Entry struct {
	Type   string // file, dir, link, or another word of fs.FileMode
	Mode   string // permission bits, octal
	Owner  string // user:group by name
	Digest string // SHA-256 of a file
	Target string // of a symbolic link
	Xattrs string // name=hex, sorted
}

func (e Entry) String() string {
	return strings.TrimRight(strings.Join([]string{e.Type, e.Mode, e.Owner, e.Digest[:min(12, len(e.Digest))], e.Target, e.Xattrs}, " "), " ")
}

// Scan lists the tree below root. Owners are looked up in the tree's own /etc/passwd and /etc/group.
func Scan(root string) (Tree, error) {
	users, err := names(filepath.Join(root, "etc/passwd"))
	if err != nil {
		return nil, err
	}
	groups, err := names(filepath.Join(root, "etc/group"))
	if err != nil {
		return nil, err
	}
	tree := Tree{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		entry, err := describe(root, path, d, users, groups)
		tree[strings.TrimPrefix(path, root)] = entry
		return err
	})
	return tree, err
}

func describe(root, path string, d fs.DirEntry, users, groups map[uint32]string) (Entry, error) {
	info, err := d.Info()
	if err != nil {
		return Entry{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Entry{}, fmt.Errorf("%s: no owner", path)
	}
	e := Entry{
		Mode:  strconv.FormatUint(uint64(stat.Mode&0o7777), 8),
		Owner: name(users, stat.Uid) + ":" + name(groups, stat.Gid),
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		e.Type = "file"
		e.Digest, err = digest(path, canonical(strings.TrimPrefix(path, root)))
	case mode.IsDir():
		e.Type = "dir"
	case mode&fs.ModeSymlink != 0:
		e.Type, e.Mode = "link", ""
		e.Target, err = os.Readlink(path)
	default:
		e.Type = mode.Type().String()
	}
	if err != nil {
		return e, err
	}
	xattrs, err := fsx.LXattrs(path)
	for _, x := range xattrs {
		if !strings.HasPrefix(x.Name, "trusted.overlay.") {
			e.Xattrs += x.Name + "=" + hex.EncodeToString(x.Value) + " "
		}
	}
	e.Xattrs = strings.TrimSpace(e.Xattrs)
	return e, err
}

func digest(path string, canonical func(line string) string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if canonical == nil {
		if _, err := io.Copy(h, f); err != nil {
			return "", err
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = canonical(lines[i])
	}
	sort.Strings(lines)
	h.Write([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// canonical gives, for the few files whose lines are in the order of installation or hold ids that
// depend on it, what each line means without that. Their lines are compared sorted.
func canonical(name string) func(string) string {
	switch name {
	case "/etc/passwd", "/etc/passwd-":
		return without(2, 3)
	case "/etc/group", "/etc/group-":
		return without(2)
	case "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/var/lib/dpkg/triggers/File":
		return without()
	}
	return nil
}

// without drops fields of a line that are separated by colons.
func without(fields ...int) func(string) string {
	return func(line string) string {
		parts := strings.Split(line, ":")
		for _, i := range fields {
			if i < len(parts) {
				parts[i] = ""
			}
		}
		return strings.Join(parts, ":")
	}
}

// names reads the ids of a passwd or group file.
func names(path string) (map[uint32]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ids := map[uint32]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, lines.Text(), err)
		}
		ids[uint32(id)] = fields[0]
	}
	return ids, nil
}

func name(ids map[uint32]string, id uint32) string {
	if n, ok := ids[id]; ok {
		return n
	}
	return strconv.FormatUint(uint64(id), 10)
}

// Difference is one path that differs.
type Difference struct {
	Path string
	Kind string // "missing", "extra" or "changed", seen from the second tree
	A, B Entry
}

func (d Difference) String() string {
	switch d.Kind {
	case "missing":
		return fmt.Sprintf("missing %s (%s)", d.Path, d.A)
	case "extra":
		return fmt.Sprintf("extra   %s (%s)", d.Path, d.B)
	}
	return fmt.Sprintf("changed %s (%s -> %s)", d.Path, d.A, d.B)
}

// Compare lists what differs, sorted by path.
func Compare(a, b Tree) []Difference {
	var out []Difference
	for path, entry := range a {
		other, ok := b[path]
		switch {
		case !ok:
			out = append(out, Difference{path, "missing", entry, Entry{}})
		case entry != other:
			out = append(out, Difference{path, "changed", entry, other})
		}
	}
	for path, entry := range b {
		if _, ok := a[path]; !ok {
			out = append(out, Difference{path, "extra", Entry{}, entry})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}
