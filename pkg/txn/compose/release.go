package compose

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// ReleaseOf is the codename of the release of the system at root, VERSION_CODENAME of os-release(5).
func ReleaseOf(root string) (string, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	text, err := dir.ReadFile("etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		text, err = dir.ReadFile("usr/lib/os-release")
	}
	if err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VERSION_CODENAME="); ok {
			return strings.Trim(value, `"'`), nil
		}
	}
	return "", errors.New("os-release has no VERSION_CODENAME")
}
