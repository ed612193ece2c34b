package assemble

import (
	"context"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// For tests in package assemble_test.
var (
	OpenCage     = openCage
	EssentialSet = essentialSet
	Without      = without
	SeedAccounts = seedAccounts
	NewScratch   = newScratch
	RemoveDocs   = removeDocFiles
)

// Describe is what parseStatusLine and parseScriptFailure make of a line.
func Describe(line string) (kind, subject, value, script string, code int, ok bool) {
	parsed, ok := parseStatusLine(line)
	if !ok {
		return "", "", "", "", 0, false
	}
	kind = [...]string{"processing", "state", "error", "prompt"}[parsed.kind]
	failure, _ := parseScriptFailure(parsed.value)
	return kind, parsed.subject, parsed.value, failure.script, failure.code, true
}

// ScriptPhase is scriptPhase.
func ScriptPhase(action, state string) string { return scriptPhase(action, state) }

// FilterSkips tells whether options like those of dpkg.cfg leave a path out.
func FilterSkips(options []string, name string, dirOrLink bool) (bool, error) {
	f, err := parseFilter(options)
	return f.skips(name, dirOrLink), err
}

// A Bench unpacks and configures packages on a base that is checked out once, without the rest of a
// build.
type Bench struct {
	repo  *ostree.Repo
	lower ostree.TreeID
	dir   string
}

// NewBench checks out a base into a directory that does not exist. Its dpkg knows i386 too.
func NewBench(ctx context.Context, repo *ostree.Repo, base ostree.Checksum, dir string) (*Bench, error) {
	commit, err := repo.LoadCommit(ctx, base)
	if err != nil {
		return nil, err
	}
	b := &Bench{repo: repo, dir: dir}
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(ctx, commit.Tree)
		if err != nil {
			return err
		}
		if err := layout.Unfold(ctx, w, tree); err != nil {
			return err
		}
		arch, err := w.WriteFile(ctx, ostree.FileInfo{Mode: unix.S_IFREG | 0o644}, strings.NewReader("amd64\ni386\n"))
		if err == nil {
			err = tree.SetFile(adminDir+"/arch", arch)
		}
		if err == nil {
			b.lower, err = w.WriteTree(ctx, tree)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, repo.CheckoutTree(ctx, b.lower, dir, ostree.CheckoutOptions{})
}

// Install returns the tree after the batches of the input, and how many packages dpkg did not unpack.
// Logs, backups and what is stale by nature are left out.
func (b *Bench) Install(ctx context.Context, in Input) (id ostree.TreeID, native int, err error) {
	in.Repo = b.repo
	run, err := newBuilder(in)
	if err != nil {
		return id, 0, err
	}
	run.lower = b.lower
	if run.cage, err = openCage(in); err != nil {
		return id, 0, err
	}
	defer func() { err = errors.Join(err, run.cage.Close()) }()
	if err := os.Symlink(b.dir, run.cage.path("lower")); err != nil {
		return id, 0, err
	}
	few := func(context.Context) error { // layers, so that they are settled now and then
		if run.placer != nil {
			run.placer.maxLayers = 2
		}
		return nil
	}
	for _, do := range []func(context.Context) error{
		run.stagePackages, few, run.cage.mount, run.install, func(context.Context) error { return run.cage.unmount() },
	} {
		if err := do(ctx); err != nil {
			return id, 0, err
		}
	}
	if run.placer != nil {
		native = run.placer.placed
	}
	err = b.repo.UpdateWith(ctx, func(w *ostree.Writer) error {
		tree, err := run.mergedTree(ctx, w)
		if err != nil {
			return err
		}
		for _, name := range []string{"available", "status-old", "diversions-old", "statoverride-old", "lock", "lock-frontend", "triggers/Lock", "tmp.ci"} {
			if tree.Exists(adminDir + "/" + name) {
				if err := tree.Remove(adminDir + "/" + name); err != nil {
					return err
				}
			}
		}
		if err := tree.Remove("var/log"); err != nil {
			return err
		}
		id, err = w.WriteTree(ctx, tree)
		return err
	}, ostree.UpdateOptions{NoSync: true})
	return id, native, err
}

// Follow gives what a monitor takes for the last words of the script that failed, when it comes late: everything
// that dpkg writes is in the pipes already, the first part of the output before anything is reported.
func Follow(early, status, output string) ([]string, error) {
	m := &monitor{logs: new(logs), onStatus: func(statusLine) {}, done: make(chan struct{})}
	var err error
	if m.status, err = newPipe(); err != nil {
		return nil, err
	}
	if m.output, err = newPipe(); err != nil {
		return nil, err
	}
	m.logs.switchTo("dpkg")
	_, _ = m.logs.Write([]byte(early)) // never fails
	_, err = m.status.write.WriteString(status)
	_, err2 := m.output.write.WriteString(output)
	go m.run()
	err = errors.Join(err, err2, m.stop())
	return m.failedTail, err
}
