package ostree

import (
	"errors"
	"io/fs"
	"path"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// KernelDir is where a bootable tree has its kernels: one directory for each,
// named after its version, with the kernel in the file vmlinuz.
const KernelDir = "usr/lib/modules"

// A KernelError says that a tree cannot be marked as bootable, because it does
// not hold exactly one kernel. It is [fs.ErrNotExist] if [KernelDir] is missing.
type KernelError struct {
	Missing string   // the first directory on the way to KernelDir that is missing
	Found   []string // versions, none or several
}

// Error implements error.
func (e *KernelError) Error() string {
	switch {
	case e.Missing != "":
		return "the tree has no directory /" + e.Missing + ", so no kernel"
	case len(e.Found) == 0:
		return "the tree has no kernel in /" + KernelDir + "/VERSION/vmlinuz"
	}
	return "the tree has several kernels in /" + KernelDir
}

// Is makes it equal to fs.ErrNotExist if a directory is missing.
func (e *KernelError) Is(target error) bool { return target == fs.ErrNotExist && e.Missing != "" }

// KernelVersion returns the version of the kernel in a tree, which must hold
// exactly one; else the error is a [*KernelError].
func (t *Tree) KernelVersion() (string, error) {
	for _, dir := range []string{"usr", "usr/lib", KernelDir} {
		if _, err := t.Lookup(dir); errors.Is(err, fs.ErrNotExist) {
			return "", &KernelError{Missing: dir}
		}
	}
	entries, err := t.ReadDir(KernelDir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if e.Dir && t.Exists(path.Join(KernelDir, e.Name, "vmlinuz")) {
			found = append(found, e.Name)
		}
	}
	if len(found) != 1 {
		return "", &KernelError{Found: found}
	}
	return found[0], nil
}

// SetBootable marks a commit as one that can be booted, with the version of its
// kernel. The entries get the order that ostree commit --bootable gives them.
func (m *Metadata) SetBootable(kernel string) {
	m.Set(MetadataBootable, gvariant.Bool(true))
	m.Set(MetadataLinux, gvariant.String(kernel))
	m.hashOrder()
}

// hashOrder gives the entries the order that they have in a GVariantDict.
func (m *Metadata) hashOrder() {
	table := newHashTable()
	byKey := make(map[string]gvariant.Value, len(*m))
	for _, e := range *m {
		table.insert(e.Key)
		byKey[e.Key] = e.Value
	}
	sorted := make(Metadata, 0, len(*m))
	for _, key := range table.keys() {
		sorted = append(sorted, MetadataEntry{Key: key, Value: byKey[key]})
	}
	*m = sorted
}
