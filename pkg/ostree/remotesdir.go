package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// readRemotesDir reads the files *.conf of a directory of remotes. A name must
// not be configured twice: nobody could tell which one counts.
func readRemotesDir(dir string, config *keyfile.File) (map[string]remoteEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	remotes := make(map[string]remoteEntry)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !strings.HasSuffix(path, ".conf") || e.IsDir() {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := keyfile.Parse(data)
		if err != nil {
			return nil, &CorruptError{What: path, Err: err}
		}
		for _, group := range file.Groups() {
			name, ok := remoteOfGroup(group)
			if !ok {
				continue
			}
			if _, twice := remotes[name]; twice || config.HasGroup(group) {
				return nil, &RemoteTwiceError{Remote: name, Path: path}
			}
			remotes[name] = remoteEntry{file: file, path: path, dir: true}
		}
	}
	return remotes, nil
}

// A RemoteTwiceError says that a remote is configured in two places.
type RemoteTwiceError struct {
	Remote string
	Path   string // of the second place
}

// Error implements error.
func (e *RemoteTwiceError) Error() string {
	return fmt.Sprintf("remote %q is configured again in %s; remove it there or in the other place", e.Remote, e.Path)
}
