package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// MissingToolError says that a program or a file of one is not on this machine.
type MissingToolError struct {
	// Name is the program or the file, Package the Debian package that has it.
	Name, Package string
}

// Error names the package to install.
func (e *MissingToolError) Error() string {
	return fmt.Sprintf("%s is not there: install the package %s", e.Name, e.Package)
}

// packages are those of the programs that are run.
var packages = map[string]string{
	"mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "mkfs.vfat": "dosfstools", "mmd": "mtools", "mcopy": "mtools",
	"grub-mkimage": "grub-common",
}

// run runs a program and returns its standard output. The error has what it said.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := lookPath(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, errors.Join(ctx.Err(), err), bytes.TrimSpace(append(stderr.Bytes(), out.Bytes()...)))
	}
	return out.Bytes(), nil
}

// lookPath finds a program also where an unprivileged user's PATH does not lead.
func lookPath(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", &MissingToolError{Name: name, Package: packages[name]}
}
