package bootentry

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ReadDir reads the entries of a directory, the one that boots by default first. Names are those of their
// files, zero for files of others than OSTree.
func ReadDir(dir string) (entries []*Entry, names []Name, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil {
		return nil, nil, err
	}
	type read struct {
		entry *Entry
		name  Name
	}
	var all []read
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		entry, err := Parse(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		name, _ := ParseName(filepath.Base(file))
		all = append(all, read{entry, name})
	}
	slices.SortFunc(all, func(a, b read) int {
		return cmp.Or(CompareVersions(b.entry.Get(KeyVersion), a.entry.Get(KeyVersion)),
			strings.Compare(a.entry.Get(KeyTitle), b.entry.Get(KeyTitle)))
	})
	for _, r := range all {
		entries, names = append(entries, r.entry), append(names, r.name)
	}
	return entries, names, nil
}
