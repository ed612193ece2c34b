package assemble

import (
	"io/fs"
	"log/slog"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// An Input says what to build. Repo, Runner and Timestamp are required; Batches
// and Debs whenever there is something to install.
type Input struct {
	// Repo receives the commit.
	Repo *ostree.Repo

	// Base is the commit to build on; zero means from nothing, which needs the
	// Essential packages among those to install.
	Base ostree.Checksum

	// Tree is a tree of Repo with all packages configured, as [Import] reads it, to
	// go on from in place of Base and Batches.
	Tree ostree.TreeID

	// Architecture and ForeignArchitectures are dpkg's, for a build from
	// nothing. An empty Architecture is that of the package dpkg.
	Architecture         string
	ForeignArchitectures []string

	// Batches are the packages to install, upgrade or downgrade, in an order
	// that dpkg can follow.
	Batches []solve.Batch

	// Purge are installed packages to remove first, with their configuration,
	// as NAME or NAME:ARCH. Dependencies on them are the caller's business.
	Purge []string

	// Overwrite are packages in Batches whose files may replace files of other
	// packages, which dpkg otherwise refuses.
	Overwrite []*apt.Package

	// Debs are the .deb files of the packages in Batches.
	Debs map[*apt.Package]string

	// Seed is a tree whose users and groups keep their ids, usually the
	// previous commit: passwd, group, shadow, gshadow, subuid and subgid in
	// usr/etc, in etc, or at the top. Nil for none.
	Seed fs.FS

	// Preseed are answers for debconf, as lines for debconf-set-selections(1).
	Preseed []string

	// Timestamp is SOURCE_DATE_EPOCH in the cage, and the commit's if
	// Commit has none.
	Timestamp time.Time

	// Prepare may add files to the tree before the first script runs, for
	// example archive sources. The directories of a file must be made too.
	Prepare func(root string) error

	// Content are trees put over the configured packages, in this order.
	Content []ContentLayer

	// Record may add files to the tree that no package has to find, after all
	// are configured.
	Record func(root string) error

	// Postprocess run in the cage after everything is configured.
	Postprocess []Script

	// Units are systemd units to enable; DefaultTarget, if not empty, is the
	// unit that default.target becomes.
	Units         []string
	DefaultTarget string

	// ExcludeDocs keeps documentation out, and out of later changes as well.
	ExcludeDocs bool

	// Initramfs makes an initramfs with dracut, or with initramfs-tools if the
	// tree has that instead, with InitramfsArgs besides the usual arguments. On a base it may be false: a base that has one gets a
	// new one whenever what goes into it has changed.
	Initramfs     bool
	InitramfsArgs []string

	// ReadOnlyExecutables takes the permission to write from files of the commit
	// that somebody may execute.
	ReadOnlyExecutables bool

	// AllowNoKernel accepts a tree that cannot boot. On a base without a
	// kernel it is implied.
	AllowNoKernel bool

	// Inspect sees the finished tree before it is folded into a commit's
	// shape. It must not change it.
	Inspect func(root string) error

	// Commit is the commit to write. Tree is filled in; the metadata keys
	// ostree.bootable, ostree.linux and apt-ostree.pkglist are added.
	Commit ostree.Commit

	// Ref is set to the new commit; zero for none.
	Ref ostree.Refspec

	// WorkDir is where the scratch directory is made. Empty means
	// [ScratchDir], which is best: another file system costs a copy.
	WorkDir string

	// Runner runs programs in the tree.
	Runner sandbox.Runner

	// Unpacker says who brings files of new packages into the tree. Empty is
	// native in a repository of mode bare, whose files can be hard links in a
	// tree, and dpkg in others.
	Unpacker UnpackMode

	// KeepStages keeps what a native build from nothing makes on the way, and its
	// initramfs, as commits of Repo, so that a build with the same input up to
	// there goes on from it. The commit is the same either way. Prepare must then
	// add the same files to every tree. See [DropStages].
	KeepStages bool

	// KeepCheckout leaves the tree of the commit also as a directory, which takes less time than
	// checking it out afterwards. See [Result].
	KeepCheckout bool

	// ScriptTimeout limits each maintainer script and other program; zero
	// means 5 minutes.
	ScriptTimeout time.Duration

	// Report receives progress; calls do not overlap. Nil for none.
	Report func(Progress)

	// Logger receives what a maintainer of this program wants to know. Nil for
	// none.
	Logger *slog.Logger

	// LogDir receives one log for each package. Empty for none.
	LogDir string
}

// An UnpackMode says who unpacks packages. The tree is the same either way.
type UnpackMode string

const (
	// UnpackNative keeps packages as commits in Input.Repo and places their
	// files from there, see package pkgcache. What is not a simple new
	// installation is left to dpkg.
	UnpackNative UnpackMode = "native"
	// UnpackDpkg leaves everything to the tree's dpkg.
	UnpackDpkg UnpackMode = "dpkg"
)

// Valid tells whether it is one of the modes, or empty.
func (m UnpackMode) Valid() bool { return m == "" || m == UnpackNative || m == UnpackDpkg }

// A Script is a program to run in the tree. Without a #! line it is a shell
// script.
type Script struct {
	// Name is for messages and the log.
	Name string
	// Text is the program.
	Text string
}

// Progress is how far a build is.
type Progress struct {
	// Item says what is happening: "unpack nginx", "initramfs".
	Item string
	// Done and Total count steps of similar, not equal, length. Total is
	// the same in every report of a build.
	Done, Total int
}

// A Result is what Build made.
type Result struct {
	// Commit is the new commit, Tree its tree.
	Commit ostree.Checksum
	Tree   ostree.TreeID

	// Packages are installed in it, sorted by name and architecture.
	Packages []*apt.Package

	// Kernel is the release that boots; empty for none.
	Kernel string

	// Stats count the objects of the repository update.
	Stats ostree.WriteStats

	// Native counts the packages that came from the package cache without dpkg
	// unpacking them.
	Native int

	// Fold says what was done to give the tree a commit's shape.
	Fold *layout.Report

	// Checkout is what [Input.KeepCheckout] asks for; nil if a new checkout is needed nevertheless,
	// as of a tree without a base. It must be closed.
	Checkout *Checkout
}
