package ostree

import (
	"fmt"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// An ArchivePathError is the name of an entry that leads out of the tree.
type ArchivePathError struct{ Name string }

// Error implements error.
func (e *ArchivePathError) Error() string {
	return fmt.Sprintf("the archive has an entry %q; names with .. are not allowed", e.Name)
}

// path returns where an entry is in the tree.
func (a *archiveAdder) path(name string) (string, error) {
	rel, err := relativeName(name)
	if err == nil && a.opts.Rename != nil {
		rel, err = relativeName(a.opts.Rename(rel))
	}
	return path.Join(a.at, rel), err
}

// relativeName strips what makes a name absolute or long without need.
func relativeName(name string) (string, error) {
	var elements []string
	for element := range strings.SplitSeq(name, "/") {
		switch element {
		case "", ".":
		case "..":
			return "", &ArchivePathError{Name: name}
		default:
			elements = append(elements, element)
		}
	}
	if len(elements) > MaxTreeDepth {
		return "", fmt.Errorf("the archive has an entry with a path of more than %d elements", MaxTreeDepth)
	}
	return strings.Join(elements, "/"), nil
}

// isSkipped tells whether a directory is below one that was skipped.
func (a *archiveAdder) isSkipped(dir string) bool {
	for ; len(a.skipped) > 0; dir = path.Dir(dir) {
		if a.skipped[dir] {
			return true
		}
		if dir == "/" {
			break
		}
	}
	return false
}

// needParent makes sure that an entry is in a directory.
func (a *archiveAdder) needParent(at string) error {
	if at == "/" {
		return nil
	}
	dir := path.Dir(at)
	n, missing, err := a.lookupDir(dir)
	switch {
	case err != nil:
		return err
	case missing && !a.opts.AutocreateParents:
		return &MissingParentError{Path: at, Parent: dir}
	case missing:
		return a.createParent(dir)
	case n == nil:
		return pathError("add", dir, syscall.ENOTDIR)
	}
	return nil
}

// lookupDir returns the directory at a path; neither that nor missing means that
// it is a file.
func (a *archiveAdder) lookupDir(dir string) (n *node, missing bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _, err = a.tree.find(dir)
	if err != nil && isNotExist(err) {
		return nil, true, nil
	}
	return n, false, err
}

func (a *archiveAdder) createParent(dir string) error {
	if err := a.needParent(dir); err != nil {
		return err
	}
	fi := FileInfo{Mode: unix.S_IFDIR | 0o755}
	// It is not an entry, so it cannot be skipped.
	if _, err := a.modify(dir, &fi); err != nil {
		return err
	}
	return a.putDir(dir, DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode, Xattrs: fi.Xattrs})
}
