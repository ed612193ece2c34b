package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// resolveLinks makes hard links the objects that their targets are, when all
// entries are there.
func (a *archiveAdder) resolveLinks() error {
	for _, at := range slices.Sorted(maps.Keys(a.links)) {
		c, err := a.resolveLink(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := a.putFile(at, c); err != nil {
			return err
		}
	}
	return nil
}

// resolveLink follows a chain of links to an entry that is none. All links of
// the chain then lead to that entry, so that no chain is followed twice.
func (a *archiveAdder) resolveLink(at string) (Checksum, error) {
	chain := []string{at}
	target := a.links[at]
	for next, ok := a.links[target]; ok; next, ok = a.links[target] {
		if len(chain) > len(a.links) {
			return Checksum{}, fmt.Errorf("the hard link to %s leads back to itself", a.links[at])
		}
		chain = append(chain, target)
		target = next
	}
	for _, link := range chain {
		a.links[link] = target
	}
	n, c, err := a.tree.find(target)
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
		return Checksum{}, fmt.Errorf("the target %s of the hard link is not there", target)
	case err != nil:
		return Checksum{}, err
	case n != nil:
		return Checksum{}, fmt.Errorf("the target %s of the hard link is a directory", target)
	}
	return c.file, nil
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// replaceFile changes the object of a file that still is the given one.
func (t *Tree) replaceFile(name string, old, c Checksum) error {
	n, f, err := t.find(name)
	if isNotExist(err) || err == nil && (n != nil || f.file != old) {
		return nil
	}
	if err != nil {
		return pathError("replace", name, err)
	}
	return t.putFile(name, c, nil)
}
