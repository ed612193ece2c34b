package ostree

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Action is the answer of [AddOptions.Filter].
type Action int

const (
	// Keep adds the entry as the filter left it.
	Keep Action = iota
	// Skip leaves the entry out, a directory with everything below it.
	Skip
)

// AddOptions says how files become part of a [Tree]. The zero value takes
// everything as it is and refuses what a commit cannot hold. Changes are made in
// the order of the fields.
type AddOptions struct {
	// NoXattrs leaves extended attributes out, as core.disable-xattrs does.
	NoXattrs bool
	// UID and GID, if set, are the user and group of every entry.
	UID, GID *uint32
	// ReadOnlyExecutables takes the permission to write from regular files that
	// somebody may execute.
	ReadOnlyExecutables bool
	// StatOverrides change the modes of some entries.
	StatOverrides *StatOverrides
	// SkipList leaves out some entries, a directory with everything below it.
	SkipList *SkipList
	// Labels, if set, gives every entry its attribute security.selinux. An entry
	// for which there is none keeps the one it has.
	Labels Labeler
	// Filter may change the metadata of an entry, or skip it. The path is
	// absolute in the tree. Calls do not overlap; a directory comes before its
	// content, otherwise the order is not defined.
	Filter func(path string, fi *FileInfo) Action
	// CanonicalPermissions makes root the owner and reduces modes to 0755, as
	// a bare-user-only repository always does. Extended attributes of directories
	// on disk and of other commits are left out then, those in archives are not.
	CanonicalPermissions bool

	// SkipSpecial leaves out devices, pipes and sockets instead of refusing them.
	SkipSpecial bool
	// RefuseReplace makes it an error, a [*ReplaceError], when a file would take
	// the place of a directory or a directory that of a file.
	RefuseReplace bool
	// DevIno tells for which inodes the object is known, because a checkout made
	// hard links. Such a file is not read unless one of the options changes it. In
	// a ModeBareUser repository it keeps owner, mode and attributes of the object.
	DevIno *DevInoCache
	// TrustDevIno takes the objects that DevIno knows as they are, without regard
	// for other options.
	TrustDevIno bool
	// Consume removes the files of a directory when the update is done; the
	// directory too, unless it is the current one. If the update fails all of it is
	// still there; what was put there while the update ran stays, and is an error.
	//
	// A regular file is not copied but linked to become the object if it lies on the
	// file system of the repository and is as the object has to be: in a ModeBare
	// repository owner, mode and attributes are unchanged, in a ModeBareUserOnly
	// repository the mode is. Its time stays too. Nobody may write to such a file,
	// or by another name of it, any more.
	Consume bool
}

// A Labeler knows the SELinux label of each file, as a policy that package
// selinux reads does. It is called by several goroutines.
type Labeler interface {
	// Label returns the label of an absolute path and file mode (st_mode), or ""
	// if there is none.
	Label(path string, mode uint32) (string, error)
}

// A ReplaceError says that a file was to take the place of a directory, or the
// other way round, which [AddOptions].RefuseReplace forbids.
type ReplaceError struct {
	Path string
	Dir  bool // a directory is there
}

// Error implements error.
func (e *ReplaceError) Error() string {
	if e.Dir {
		return fmt.Sprintf("%s is a directory and cannot become a file", e.Path)
	}
	return fmt.Sprintf("%s is a file and cannot become a directory", e.Path)
}

// FileTypeError is an entry that a commit cannot hold: a device, pipe or socket.
type FileTypeError struct {
	Path string
	Mode uint32 // st_mode
}

// Error names the path and the kind of file.
func (e *FileTypeError) Error() string {
	return fmt.Sprintf("%s is a %s; a commit holds only regular files, symbolic links and directories", e.Path, typeName(e.Mode))
}

// AddDirectory adds a directory on disk to a tree at a path. Directories that
// exist in the tree are merged and take the metadata of those on disk; any
// other entry that exists is replaced. Content is read once, by as many workers
// as there are processors, and stored as objects of the writer.
//
// Hard links become files of their own, which share one object. Extended
// attributes without value and user.ostreemeta are dropped, file capabilities
// that belong to a user namespace are stored as plain ones. The repository itself
// is left out if it lies in the directory.
func (w *Writer) AddDirectory(ctx context.Context, t *Tree, at, dir string, opts AddOptions) error {
	f, err := fsx.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("add directory %s: %w", dir, err)
	}
	opts.NoXattrs = opts.NoXattrs || opts.CanonicalPermissions
	a := newAdder(w, t, opts)
	if opts.Consume {
		a.consumed = &consumption{}
	}
	err = a.run(ctx, func(ctx context.Context) error {
		d := newSourceDir(f)
		defer d.release()
		return a.directory(ctx, d, at)
	})
	if err != nil {
		return fmt.Errorf("add directory %s: %w", dir, err)
	}
	if opts.Consume {
		w.afterwards(func() error { return a.consumed.remove(dir) })
	}
	return nil
}

func typeName(mode uint32) string {
	switch fsMode(mode).Type() {
	case 0:
		return "regular file"
	case fs.ModeDir:
		return "directory"
	case fs.ModeSymlink:
		return "symbolic link"
	case fs.ModeNamedPipe:
		return "named pipe"
	case fs.ModeSocket:
		return "socket"
	case fs.ModeDevice | fs.ModeCharDevice:
		return "character device"
	case fs.ModeDevice:
		return "block device"
	}
	return "file of unknown type"
}
