package deploy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// RemotesDir returns the directory in which the repository of a sysroot keeps remotes besides its
// configuration, for [ostree.Options]: etc/ostree/remotes.d of a deployment's root, which has the
// physical root mounted at /sysroot. The physical root has no such directory, and the result is "".
func RemotesDir(root string) (string, error) {
	_, err := os.Lstat(filepath.Join(root, "sysroot"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "etc/ostree/remotes.d"), nil
}
