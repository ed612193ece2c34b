package sandbox

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"
)

// A Runner runs a Spec to its end. It returns nil if the program exited with
// status 0, an [*ExitError] if it ended otherwise, an error that wraps the
// context's if the context ended first, and a [*SetupError] if the program was
// never started. No process of the sandbox is left when it returns.
type Runner interface {
	Run(ctx context.Context, spec Spec) error
}

// A Spec is everything that decides how a program runs. Only Root and Argv are
// required.
type Spec struct {
	// Root is the absolute path of the tree that becomes /.
	Root string

	// Argv is the program and its arguments. A name without a slash is looked
	// for in the PATH of Env.
	Argv []string

	// Env is the complete environment as KEY=VALUE; nothing is inherited.
	// The working directory is added as PWD. See [DefaultEnv].
	Env []string

	// Dir is the working directory inside the tree; empty means /.
	Dir string

	// Mounts are made in this order, after the built-in ones.
	Mounts []Mount

	// Network shares the caller's network instead of an empty one.
	Network bool

	// Capabilities are the capabilities the program keeps, as in
	// capabilities(7). Nil means [DefaultCapabilities]; an empty slice, none.
	Capabilities []string

	// Hostname is what gethostname(2) answers; empty means localhost.
	Hostname string

	// Stdin is the standard input; nil means /dev/null.
	Stdin io.Reader

	// Stdout and Stderr receive the output; nil discards it. Equal values
	// receive one stream in the order it was written.
	Stdout, Stderr io.Writer

	// Timeout limits the run; zero means no limit beyond the context's.
	Timeout time.Duration

	// ReadOnlyRoot mounts the tree read-only.
	ReadOnlyRoot bool

	// ExtraFiles are open in the program as descriptors 3, 4, and so on.
	// Everything else of the caller is closed.
	ExtraFiles []*os.File
}

// MountKind is what a [Mount] puts over its target.
type MountKind int

// The kinds of mounts.
const (
	// Bind shows Source, which stays writable.
	Bind MountKind = iota
	// ROBind shows Source read-only.
	ROBind
	// Tmpfs is an empty writable directory that vanishes with the sandbox.
	Tmpfs
	// Data is a read-only file with the content of Mount.Data.
	Data
)

// String names the kind.
func (k MountKind) String() string {
	switch k {
	case Bind:
		return "bind"
	case ROBind:
		return "ro-bind"
	case Tmpfs:
		return "tmpfs"
	case Data:
		return "data"
	}
	return "unknown"
}

// A Mount covers a path of the tree while the program runs. The path must
// exist; symbolic links in it are followed inside the tree.
type Mount struct {
	Kind MountKind

	// Source is the absolute path outside the tree, for Bind and ROBind.
	Source string

	// Target is the absolute path inside the tree.
	Target string

	// Data is the content of the file, for Data.
	Data []byte

	// Mode holds the permission bits for Tmpfs and Data. Zero means 0755 for
	// Tmpfs and 0644 for Data.
	Mode fs.FileMode
}
