package ostree

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A TreeID names a directory with all that is in it: the checksums of its
// dirtree and its dirmeta object.
type TreeID struct {
	Contents Checksum // dirtree
	Meta     Checksum // dirmeta
}

// A DirTree is what a dirtree object holds: the entries of one directory.
// Files and Dirs are each sorted by the bytes of the name; no name occurs twice.
type DirTree struct {
	Files []DirTreeFile
	Dirs  []DirTreeDir
}

// A DirTreeFile is a regular file or symbolic link in a directory.
type DirTreeFile struct {
	Name     string
	Checksum Checksum
}

// A DirTreeDir is a directory in a directory.
type DirTreeDir struct {
	Name string
	Tree TreeID
}

const dirTreeType = "(a(say)a(sayay))"

// encodeDirTree serialises a dirtree object.
func encodeDirTree(t *DirTree) ([]byte, error) {
	if err := checkDirTree(t); err != nil {
		return nil, err
	}
	files := make([]gvariant.Value, len(t.Files))
	for i, f := range t.Files {
		files[i] = gvariant.Tuple(gvariant.String(f.Name), gvariant.Bytes(f.Checksum[:]))
	}
	dirs := make([]gvariant.Value, len(t.Dirs))
	for i, d := range t.Dirs {
		dirs[i] = gvariant.Tuple(gvariant.String(d.Name), gvariant.Bytes(d.Tree.Contents[:]), gvariant.Bytes(d.Tree.Meta[:]))
	}
	return gvariant.Tuple(gvariant.Array("(say)", files...), gvariant.Array("(sayay)", dirs...)).Data(), nil
}

// decodeDirTree reads a dirtree object.
func decodeDirTree(data []byte) (*DirTree, error) {
	var raw rawDirTree
	if err := raw.decode(data); err != nil {
		return nil, err
	}
	t := &DirTree{}
	if len(raw.files) > 0 {
		t.Files = make([]DirTreeFile, len(raw.files))
	}
	if len(raw.dirs) > 0 {
		t.Dirs = make([]DirTreeDir, len(raw.dirs))
	}
	for i, f := range raw.files {
		t.Files[i] = DirTreeFile{Name: string(f.name), Checksum: Checksum(f.sum)}
	}
	for i, d := range raw.dirs {
		t.Dirs[i] = DirTreeDir{Name: string(d.name), Tree: TreeID{Contents: Checksum(d.contents), Meta: Checksum(d.meta)}}
	}
	return t, nil
}

// checkDirTree checks names, their order, and that no name is both a file and
// a directory, which libostree does not notice.
func checkDirTree(t *DirTree) error {
	previous := ""
	for _, f := range t.Files {
		if err := checkNext(previous, f.Name); err != nil {
			return err
		}
		previous = f.Name
	}
	previous = ""
	i := 0
	for _, d := range t.Dirs {
		if err := checkNext(previous, d.Name); err != nil {
			return err
		}
		previous = d.Name
		for i < len(t.Files) && t.Files[i].Name < d.Name {
			i++
		}
		if i < len(t.Files) && t.Files[i].Name == d.Name {
			return fmt.Errorf("%q is both a file and a directory", d.Name)
		}
	}
	return nil
}

func checkNext(previous, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if previous >= name {
		return fmt.Errorf("names %q and %q are not in order", previous, name)
	}
	return nil
}

// checkName checks the name of a directory entry.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || !utf8.ValidString(name) {
		return &FileNameError{Name: name}
	}
	return nil
}

// A FileNameError says that a name cannot be that of an entry of a directory,
// because it could lead out of it or is not valid UTF-8.
type FileNameError struct{ Name string }

// Error implements error.
func (e *FileNameError) Error() string {
	switch {
	case e.Name == "":
		return "empty file name"
	case !utf8.ValidString(e.Name):
		return fmt.Sprintf("file name %q is not valid UTF-8, which OSTree requires", e.Name)
	}
	return fmt.Sprintf("%q is not a file name", e.Name)
}
