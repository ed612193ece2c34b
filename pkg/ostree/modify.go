package ostree

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

const selinuxXattr = "security.selinux"

// modify applies the options to the metadata of an entry.
func (a *adder) modify(at string, fi *FileInfo) (Action, error) {
	o := &a.opts
	if o.NoXattrs {
		fi.Xattrs = nil
	}
	if o.UID != nil {
		fi.UID = *o.UID
	}
	if o.GID != nil {
		fi.GID = *o.GID
	}
	if o.ReadOnlyExecutables && fi.Mode&unix.S_IFMT == unix.S_IFREG && fi.Mode&0o111 != 0 {
		fi.Mode &^= 0o222
	}
	o.StatOverrides.apply(at, fi)
	if o.SkipList.has(at) {
		return Skip, nil
	}
	if o.Labels != nil {
		if err := setLabel(o.Labels, at, fi); err != nil {
			return Skip, err
		}
	}
	action := Keep
	if o.Filter != nil {
		a.mu.Lock()
		action = o.Filter(at, fi)
		a.mu.Unlock()
	}
	if o.CanonicalPermissions {
		fi.UID, fi.GID = 0, 0
		if !fi.IsSymlink() {
			fi.Mode &= unix.S_IFMT | 0o755
		}
	}
	return action, nil
}

// setLabel gives an entry its SELinux label, if it has one, which ends in NUL like
// the kernel's.
func setLabel(labels Labeler, at string, fi *FileInfo) error {
	label, err := labels.Label(at, fi.Mode)
	if err != nil {
		return fmt.Errorf("SELinux label of %s: %w", at, err)
	}
	if label == "" {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(fi.Xattrs), func(x Xattr) bool { return x.Name == selinuxXattr })
	fi.Xattrs = append(kept, Xattr{Name: selinuxXattr, Value: append([]byte(label), 0)})
	return nil
}

// changesXattrs tells whether modify looks at attributes or changes them.
func (o *AddOptions) changesXattrs() bool {
	return o.NoXattrs || o.Labels != nil || o.Filter != nil
}
