package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Database gives access to the files beside the status file. It holds nothing in memory and is as safe
// for concurrent use as the file system it reads.
type Database struct{ dir fs.FS }

// OpenDatabase finds the database of the system in fsys, in the first of [Directories] that has a
// status file. Without one the error matches [fs.ErrNotExist].
func OpenDatabase(fsys fs.FS) (*Database, error) {
	for _, dir := range Directories() {
		if _, err := fs.Stat(fsys, path.Join(dir, "status")); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		sub, err := fs.Sub(fsys, dir)
		return &Database{sub}, err
	}
	return nil, &fs.PathError{Op: "open", Path: "dpkg status in " + strings.Join(Directories(), ", "), Err: fs.ErrNotExist}
}

// InfoName is the beginning of the names of a package's files in the directory info: with the
// architecture if several can be installed beside each other.
func (e Entry) InfoName() string {
	if e.Paragraph.Get("Multi-Arch") == "same" {
		return e.Name + ":" + e.Architecture
	}
	return e.Name
}

// InfoFile reads a file of a package: "list", "md5sums", "postinst", "triggers" and so on. One that
// does not exist is empty.
func (d *Database) InfoFile(e Entry, kind string) ([]byte, error) {
	return d.read("info/" + e.InfoName() + "." + kind)
}

// Files returns the paths that belong to a package, absolute and in the order of its list; the root
// is "/.".
func (d *Database) Files(e Entry) ([]string, error) {
	text, err := d.InfoFile(e, "list")
	if err != nil {
		return nil, err
	}
	return lines(text, "info/"+e.InfoName()+".list")
}

// FormatFiles is a list as dpkg writes it.
func FormatFiles(paths []string) []byte {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString(p + "\n")
	}
	return []byte(b.String())
}

// Digest is the MD5 of a file, as in a package's md5sums.
type Digest struct {
	// Hash is in lower case hexadecimal.
	Hash string
	// Path has no leading slash.
	Path string
}

// Digests returns what md5sums of a package says.
func (d *Database) Digests(e Entry) ([]Digest, error) {
	text, err := d.InfoFile(e, "md5sums")
	if err != nil {
		return nil, err
	}
	return ParseDigests(text)
}

// ParseDigests reads a file md5sums, which the package ships or dpkg has made.
func ParseDigests(text []byte) ([]Digest, error) {
	all, err := lines(text, "md5sums")
	if err != nil {
		return nil, err
	}
	var list []Digest
	for _, line := range all {
		hash, name, ok := strings.Cut(line, "  ")
		if !ok || len(hash) != 32 || name == "" {
			return nil, fmt.Errorf("md5sums: %q is not a hash, two blanks and a path", line)
		}
		list = append(list, Digest{hash, name})
	}
	return list, nil
}

// FormatDigests is a file md5sums.
func FormatDigests(list []Digest) []byte {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Hash + "  " + d.Path + "\n")
	}
	return []byte(b.String())
}

// read reads a file of the database; one that does not exist is empty.
func (d *Database) read(name string) ([]byte, error) {
	data, err := fs.ReadFile(d.dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// lines splits a file of the database. Each line must be ended, and none may be empty.
func lines(text []byte, name string) ([]string, error) {
	var all []string
	for line := range strings.Lines(string(text)) {
		line, ended := strings.CutSuffix(line, "\n")
		if !ended || line == "" {
			return nil, fmt.Errorf("%s: line %d is empty or not ended", name, len(all)+1)
		}
		all = append(all, line)
	}
	return all, nil
}
