package deploy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// xattrSELinux is the attribute that holds a label.
const xattrSELinux = "security.selinux"

// EnsureLabels gives files below a directory which have no SELinux label the one that a policy gives
// them, as if the directory was called prefix ("ostree admin instutil selinux-ensure-labeled"), and
// tells each to note. Links to objects of a repository are left alone: labels are part of their
// checksums.
func EnsureLabels(ctx context.Context, policy *selinux.Policy, dir, prefix string, note func(file, as, label string)) error {
	return filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		as := path.Join("/", prefix, filepath.ToSlash(rel))
		label, err := ensureLabel(policy, file, as)
		if err == nil && label != "" {
			note(file, as, label)
		}
		return err
	})
}

// ensureLabel returns the label that a file was given, or "".
func ensureLabel(policy *selinux.Policy, file, as string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		return "", &fs.PathError{Op: "lstat", Path: file, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR && st.Nlink > 1 {
		return "", nil
	}
	_, err := unix.Lgetxattr(file, xattrSELinux, nil)
	switch {
	case err == nil:
		return "", nil
	case !errors.Is(err, unix.ENODATA):
		return "", &fs.PathError{Op: "lgetxattr", Path: file, Err: err}
	}
	label, err := policy.Label(as, st.Mode)
	if err != nil || label == "" {
		return "", err
	}
	if err := unix.Lsetxattr(file, xattrSELinux, append([]byte(label), 0), 0); err != nil {
		return "", &fs.PathError{Op: "lsetxattr", Path: file, Err: err}
	}
	return label, nil
}
