package layout

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Options change what [Fold] accepts. The zero value is right for a bootable system.
type Options struct {
	// AllowNoKernel accepts a tree without a kernel: a container, or a tree to run in a cage.
	AllowNoKernel bool
	// KeepKeys are paths ("/etc/foo/key.pem") of private keys that are meant to be in the image.
	// Any other key found outside packages is an error.
	KeepKeys []string
	// FactoryLimit is the size in bytes above which a single file in /var is an error rather than
	// factory content; zero means 64 MiB.
	FactoryLimit int64
}

// Report says what [Fold] did beyond moving things. Paths are those of the plain tree.
type Report struct {
	// Kernel is the release the commit boots ("6.1.0-37-amd64"), empty if it has none.
	Kernel string
	// Stripped lists what was removed, in the order of the rules.
	Stripped []Stripped
	// Factory lists the regular files of /var that a machine gets a copy of when it lacks them.
	// Later commits do not update those copies.
	Factory []string
	// SetID lists the set-user-ID and set-group-ID programs.
	SetID []SetID
	// Whiteouts says that there are names which begin with [ostree.PassthroughWhiteoutPrefix].
	Whiteouts bool
	// Warnings are sentences for the person who composes.
	Warnings []string
}

// Stripped is something Fold removed, and why.
type Stripped struct{ Path, Why string }

// SetID is a program that runs with the rights of its owner or group.
type SetID struct {
	Path     string
	Mode     uint32 // permission bits, set-id bits included
	UID, GID uint32
}

// Fold turns the plain Debian tree t into one that can be committed, reading and writing file
// objects through s. It refuses trees that cannot become a working system: two kernels, both /etc
// and /usr/etc, private keys nobody asked for, usable passwords, owners without a name in /usr.
func Fold(ctx context.Context, s Store, t *ostree.Tree, opts Options) (*Report, error) {
	f, err := newFolder(ctx, s, t, opts)
	if err != nil {
		return nil, fmt.Errorf("fold: %w", err)
	}
	for _, p := range f.passes() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("fold: %w", err)
		}
		if err := p.do(ctx); err != nil {
			return nil, fmt.Errorf("fold: %s: %w", p.name, err)
		}
	}
	return f.report, nil
}

// pass is one step of [Fold].
type pass struct {
	name string
	do   func(context.Context) error
}

// passes lists the steps in order. First the content is made right while everything is still in
// its Debian place, then it is judged, then it moves.
func (f *folder) passes() []pass {
	return []pass{
		{"check", f.check},
		{"kernel", f.kernel},
		{"strip", f.strip},
		{"identity", f.identity},
		{"accounts", f.accounts},
		{"homes", f.homes},
		{"tmp", f.tmp},
		{"guard", f.guard},
		{"first boot", f.firstBoot},
		{"alternatives", f.alternatives},
		{"normalise", f.normalise},
		{"lint", f.lint},
		{"state", f.state},
		{"top level", f.topLevel},
		{"var", f.foldVar},
		{"etc", f.etc},
	}
}

// folder is one run of Fold.
type folder struct {
	files
	opts   Options
	report *Report
	owners owners
	names  *accounts
}

func newFolder(ctx context.Context, s Store, t *ostree.Tree, opts Options) (*folder, error) {
	f := &folder{files: files{store: s, tree: t}, opts: opts, report: &Report{}}
	var err error
	if f.owners, err = f.loadOwners(ctx); err != nil {
		return nil, err
	}
	if f.names, err = f.loadAccounts(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// check refuses trees of the wrong shape before anything changes.
func (f *folder) check(context.Context) error {
	etc, err := f.isDir("etc")
	if err != nil {
		return err
	}
	folded, err := f.children("usr/etc")
	if err != nil {
		return err
	}
	switch {
	case !etc && len(folded) > 0:
		return fmt.Errorf("the tree is folded already: it has /usr/etc and no /etc")
	case !etc:
		return fmt.Errorf("no /etc: not a Debian tree")
	case len(folded) > 0:
		return fmt.Errorf("both /etc and /usr/etc have content (/usr/etc/%s): /usr/etc is where /etc goes in a commit, move its files to /etc", folded[0].Name)
	}
	for _, dir := range []string{"bin", "sbin", "lib"} {
		split, err := f.isDir(dir)
		if err != nil {
			return err
		}
		if split {
			return fmt.Errorf("/%s is a directory: a commit needs a merged /usr, install usr-is-merged (or usrmerge) first", dir)
		}
	}
	return nil
}

func (f *folder) warn(format string, args ...any) {
	f.report.Warnings = append(f.report.Warnings, fmt.Sprintf(format, args...))
}

func (f *folder) stripped(name, why string) {
	f.report.Stripped = append(f.report.Stripped, Stripped{Path: "/" + name, Why: why})
}
