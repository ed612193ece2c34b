package deploy

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// SpaceError says that a file system has no room for what is about to be written. Nothing was.
type SpaceError struct {
	// Path is a directory of the file system.
	Path string
	// Need and Free are bytes, zero when there are enough of them.
	Need, Free int64
	// NeedFiles and FreeFiles are files (inodes), zero when there are enough of them.
	NeedFiles, FreeFiles int64
	// Removable are deployments that could be removed.
	Removable []string
}

// Error names the place, how much is missing and the way out.
func (e *SpaceError) Error() string {
	var lack []string
	if e.Need > 0 {
		lack = append(lack, fmt.Sprintf("%s (%s are needed, %s are free)", megabytes(e.Need-e.Free), megabytes(e.Need), megabytes(e.Free)))
	}
	if e.NeedFiles > 0 {
		lack = append(lack, fmt.Sprintf("%d files (%d are needed, %d are free)", e.NeedFiles-e.FreeFiles, e.NeedFiles, e.FreeFiles))
	}
	way := "remove files that are not OSTree's, or make it larger"
	if len(e.Removable) > 0 {
		way = "remove a deployment with \"ostree admin undeploy N\", which can be " + strings.Join(e.Removable, ", ") + ", then \"ostree admin cleanup\""
	}
	return fmt.Sprintf("the file system of %s lacks %s: %s", e.Path, strings.Join(lack, " and "), way)
}

// Unwrap returns what writing would have ended with.
func (*SpaceError) Unwrap() error { return unix.ENOSPC }

// megabytes rounds up, so that what is missing is never 0.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64((n+99_999)/100_000)/10) }

// ReadOnlyError says that a file system that has to be written is mounted read-only.
type ReadOnlyError struct {
	// Path is a directory of it.
	Path string
}

// Error names the place and the way out.
func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("%s is on a file system that is mounted read-only; mount it with \"mount -o remount,rw\", and look into the kernel's log if it was writable before", e.Path)
}

// Unwrap returns what writing would have ended with.
func (*ReadOnlyError) Unwrap() error { return unix.EROFS }

// ForeignLoaderError says that the boot entries are managed by another tool.
type ForeignLoaderError struct {
	// Path is the directory of the entries.
	Path string
}

// Error names the directory and the way out.
func (e *ForeignLoaderError) Error() string {
	return fmt.Sprintf("%s is a directory, made by another tool such as bootctl or kernel-install: OSTree needs a link there, to switch between two of them; to keep its entries beside OSTree's, move it to loader.0 and link loader to that", e.Path)
}
