package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// An Overlay is a tree made of directories, as the kernel's overlayfs merges
// them: what is written to Target goes to Upper and never to Lower.
type Overlay struct {
	// Lower are the directories below, the topmost first.
	Lower []string

	// Upper receives every change. Empty makes Target read-only, which needs
	// at least two Lower.
	Upper string

	// Work is an empty directory on the file system of Upper, for the kernel.
	Work string

	// Target is the directory to mount on.
	Target string

	// Volatile never writes Upper back to disk on the program's demand: right
	// for trees whose result is copied somewhere durable afterwards.
	Volatile bool
}

// Mounted is an Overlay in place. It is not safe for concurrent use.
type Mounted struct {
	overlay Overlay
	target  string
}

// Mount mounts the overlay; it needs root. The options that decide about
// correctness are stated, not left to the kernel's configuration:
//
//   - index=off: with an index, a write to one of several hard links appears
//     under all of them, and in a checkout of a repository all equal files are
//     hard links of one object.
//   - redirect_dir=on: without, a directory of Lower cannot be renamed, which
//     dpkg does when a package replaces a directory by something else.
//   - metacopy=off: every changed file has its whole content in Upper.
func (o Overlay) Mount(ctx context.Context) (*Mounted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	target, err := filepath.Abs(o.Target)
	if err != nil {
		return nil, fmt.Errorf("overlay on %s: %w", o.Target, err)
	}
	data, release, err := o.shortData()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := unix.Mount("overlay", target, "overlay", unix.MS_NODEV, data); err != nil {
		return nil, o.explain(err)
	}
	return &Mounted{overlay: o, target: target}, nil
}

// data is the option string of mount(2).
func (o Overlay) data() string {
	lower := make([]string, len(o.Lower))
	for i, dir := range o.Lower {
		lower[i] = escapeOption(dir, `\:,`)
	}
	options := []string{"lowerdir=" + strings.Join(lower, ":")}
	if o.Upper != "" {
		options = append(options,
			"upperdir="+escapeOption(o.Upper, `\,`),
			"workdir="+escapeOption(o.Work, `\,`))
	}
	options = append(options, "index=off", "metacopy=off", "redirect_dir=on")
	if o.Volatile && o.Upper != "" {
		options = append(options, "volatile")
	}
	return strings.Join(options, ",")
}

// shortData is data, with directories named by descriptors if their names are
// longer than the kernel takes. The descriptors are open until release.
func (o Overlay) shortData() (data string, release func(), err error) {
	var open []*os.File
	release = func() {
		for _, f := range open {
			f.Close()
		}
	}
	if data = o.data(); len(data) < os.Getpagesize() {
		return data, release, nil
	}
	short := o
	short.Lower = make([]string, len(o.Lower))
	for i, dir := range o.Lower {
		f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			release()
			return "", nil, fmt.Errorf("overlay on %s: %w", o.Target, err)
		}
		open = append(open, f)
		short.Lower[i] = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	}
	if data = short.data(); len(data) >= os.Getpagesize() {
		release()
		return "", nil, fmt.Errorf("overlay on %s: the names of %d directories are longer than the kernel takes (%d bytes): use a working directory with a shorter path", o.Target, len(o.Lower), len(data))
	}
	return data, release, nil
}

// escapeOption puts a backslash before each of the characters that overlayfs
// would take for a separator.
func escapeOption(s, special string) string {
	var b strings.Builder
	for _, r := range []byte(s) {
		if strings.IndexByte(special, r) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(r)
	}
	return b.String()
}

// check finds what mount(2) would answer with a bare EINVAL or ENOENT.
func (o Overlay) check() error {
	if len(o.Lower) == 0 {
		return fmt.Errorf("overlay on %s: no lower directory", o.Target)
	}
	dirs := append([]string{o.Target}, o.Lower...)
	if o.Upper != "" {
		dirs = append(dirs, o.Upper, o.Work)
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("overlay on %s: %w", o.Target, err)
		}
		if !info.IsDir() {
			return fmt.Errorf("overlay on %s: %w", o.Target, &fs.PathError{Op: "use", Path: dir, Err: unix.ENOTDIR})
		}
	}
	if o.Upper == "" {
		return nil
	}
	var upper, work unix.Stat_t
	if err := errors.Join(unix.Stat(o.Upper, &upper), unix.Stat(o.Work, &work)); err != nil {
		return fmt.Errorf("overlay on %s: %w", o.Target, err)
	}
	if upper.Dev != work.Dev {
		return fmt.Errorf("overlay on %s: %s and %s are on different file systems: put both below one directory", o.Target, o.Upper, o.Work)
	}
	return nil
}

// explain says what a mount error most likely means here.
func (o Overlay) explain(err error) error {
	hint := ""
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		hint = ": run as root (the capability CAP_SYS_ADMIN is needed)"
	case errors.Is(err, unix.ENODEV):
		hint = ": this kernel has no overlayfs (is the module overlay installed?)"
	case errors.Is(err, unix.EINVAL) && o.Upper != "":
		hint = fmt.Sprintf(": the file system of %s (%s) cannot hold the upper directory: use a working directory on ext4, xfs, btrfs or tmpfs", o.Upper, fileSystemName(o.Upper))
	case errors.Is(err, unix.EBUSY):
		hint = fmt.Sprintf(": %s is in use by another overlay", o.Upper)
	}
	return fmt.Errorf("mount overlay on %s: %w%s", o.Target, err, hint)
}

// fileSystemName names the file system a path is on, for messages.
func fileSystemName(path string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "unknown"
	}
	switch int64(st.Type) {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.FUSE_SUPER_MAGIC:
		return "fuse"
	case unix.V9FS_MAGIC:
		return "9p"
	case unix.MSDOS_SUPER_MAGIC:
		return "vfat"
	}
	return fmt.Sprintf("type %#x", st.Type)
}

// ProbeOverlay reports whether an overlay with upper and work directory below
// dir can be mounted, by mounting one. It leaves nothing in dir.
func ProbeOverlay(ctx context.Context, dir string) (err error) {
	scratch, err := os.MkdirTemp(dir, ".overlay-probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	o := Overlay{
		Lower:  []string{filepath.Join(scratch, "lower")},
		Upper:  filepath.Join(scratch, "upper"),
		Work:   filepath.Join(scratch, "work"),
		Target: filepath.Join(scratch, "merged"),
	}
	for _, d := range []string{o.Lower[0], o.Upper, o.Work, o.Target} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	mounted, err := o.Mount(ctx)
	if err != nil {
		return err
	}
	return mounted.Unmount()
}
