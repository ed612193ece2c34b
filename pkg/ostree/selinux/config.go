package selinux

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// maxFile bounds the files that are read. The largest policies have less than 1 MB.
const maxFile = 16 << 20

// readConfig returns the name of the policy that etc/selinux/config chooses,
// selinux(8).
func readConfig(root fs.FS, file string) (string, error) {
	data, err := readFile(root, file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: there is no %s", ErrNoPolicy, file)
	}
	if err != nil {
		return "", err
	}
	name, enabled := "", false
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "SELINUXTYPE="); ok {
			name = strings.TrimSpace(value)
		} else if value, ok := strings.CutPrefix(line, "SELINUX="); ok {
			value = strings.ToLower(value)
			enabled = enabled || strings.HasPrefix(value, "enforcing") || strings.HasPrefix(value, "permissive")
		}
	}
	switch {
	case !enabled:
		return "", fmt.Errorf("%w: it is disabled in %s", ErrNoPolicy, file)
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return "", fmt.Errorf("%s: SELINUXTYPE=%q is not the name of a policy", file, name)
	}
	return name, nil
}

// readFile is fs.ReadFile for a file that somebody else has written.
func readFile(root fs.FS, file string) ([]byte, error) {
	f, err := root.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: more than %d bytes", file, maxFile)
	}
	return data, nil
}

// eachLine calls fn for the lines of a file that are neither empty nor comments. A
// file that does not exist has none.
func eachLine(root fs.FS, file string, fn func(line string) error) error {
	data, err := readFile(root, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for number := 1; lines.Scan(); number++ {
		line := strings.Trim(lines.Text(), " \t\v\f\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := fn(line); err != nil {
			return fmt.Errorf("%s:%d: %w", file, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
