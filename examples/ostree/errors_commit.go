package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// commitMessage returns the peer's texts for what cannot be committed.
func commitMessage(err error) (string, bool) {
	var fileType *ostree.FileTypeError
	var replace *ostree.ReplaceError
	var kernel *ostree.KernelError
	var space *ostree.SpaceError
	var override *ostree.OverrideSyntaxError
	switch {
	case errors.As(err, &fileType):
		return "Not a regular file or symlink: " + path.Base(fileType.Path), true
	case errors.As(err, &replace) && replace.Dir:
		return "Can't replace directory with file: " + path.Base(replace.Path), true
	case errors.As(err, &replace):
		return "Can't replace file with directory: " + path.Base(replace.Path), true
	case errors.As(err, &kernel):
		return kernelMessage(kernel), true
	case errors.As(err, &space):
		return spaceMessage(space), true
	case errors.As(err, &override):
		return "Malformed statoverride file (no space found)", true
	}
	return archiveMessage(err)
}

func archiveMessage(err error) (string, bool) {
	var parent *ostree.MissingParentError
	var name *ostree.ArchivePathError
	var rename *ostree.RenameSyntaxError
	switch {
	case errors.As(err, &parent):
		return "No such file or directory: " + strings.TrimPrefix(parent.Parent, "/"), true
	case errors.As(err, &name):
		return fmt.Sprintf("While making relative path \"%[1]s\":Invalid uplink '..' in path %[1]s", name.Name), true
	case errors.Is(err, ostree.ErrArchiveFormat):
		return "archive_read_open_filename: Unrecognized archive format", true
	case errors.As(err, &rename) && rename.Err == nil:
		return "Missing ',' in --tar-pathname-filter", true
	case errors.As(err, &rename):
		return fmt.Sprintf("--tar-pathname-filter: %v", rename.Err), true
	}
	return "", false
}

func kernelMessage(e *ostree.KernelError) string {
	switch {
	case e.Missing != "":
		return "No such file or directory: /" + e.Missing
	case len(e.Found) > 1:
		return "Multiple kernels found in /" + ostree.KernelDir
	}
	return "No kernel found in /" + ostree.KernelDir
}

// spaceMessage quotes the setting like the peer: a percentage, or a size.
func spaceMessage(e *ostree.SpaceError) string {
	key, value, _ := strings.Cut(e.Setting, "=")
	if key == "min-free-space-percent" {
		value = "'" + value + "%'"
	}
	return fmt.Sprintf("%s %s would be exceeded, at least %s requested", key, value, formatSize(uint64(max(0, e.Needed))))
}

// osReason strips the operation and the path from an error of the system.
func osReason(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errors.New(errnoText(errno))
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
