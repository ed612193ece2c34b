package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// env is what a command has of the world outside: its streams, the environment
// and the repository.
type env struct {
	stdin  io.Reader
	stdout *bufio.Writer // written out before anything on stderr, and at the end
	stderr io.Writer
	lookup func(string) (string, bool) // the environment

	verbose  bool   // --verbose
	repoPath string // --repo

	sysrootPath string // --sysroot of admin

	repos    []*ostree.Repo    // to be closed
	sysroots []*deploy.Sysroot // likewise
}

func newEnv(stdin io.Reader, stdout, stderr io.Writer, lookup func(string) (string, bool)) *env {
	out := bufio.NewWriterSize(stdout, 32<<10)
	return &env{stdin: stdin, stdout: out, stderr: &orderedWriter{out, stderr}, lookup: lookup}
}

// orderedWriter keeps the order in which two streams were written, for those
// who look at both in one place.
type orderedWriter struct {
	before *bufio.Writer
	w      io.Writer
}

func (o *orderedWriter) Write(p []byte) (int, error) {
	if err := o.before.Flush(); err != nil {
		return 0, err
	}
	return o.w.Write(p)
}

// printf writes to standard output. Errors of writing come out of close.
func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.stdout, format, args...) }

// println writes a line to standard output.
func (e *env) println(args ...any) { fmt.Fprintln(e.stdout, args...) }

// warnf writes to standard error.
func (e *env) warnf(format string, args ...any) { fmt.Fprintf(e.stderr, format, args...) }

// debugf writes a line to standard error if --verbose was given.
func (e *env) debugf(format string, args ...any) {
	if e.verbose {
		fmt.Fprintf(e.stderr, "OT: "+format+"\n", args...)
	}
}

// getenv returns a variable of the environment, or "".
func (e *env) getenv(name string) string {
	value, _ := e.lookup(name)
	return value
}

// close writes out what was printed and closes repositories.
func (e *env) close() error {
	var errs []error
	if err := e.stdout.Flush(); err != nil {
		errs = append(errs, fmt.Errorf("writing to standard output: %w", err))
	}
	for _, r := range e.repos {
		errs = append(errs, r.Close())
	}
	for _, s := range e.sysroots {
		errs = append(errs, s.Close())
	}
	e.repos, e.sysroots = nil, nil
	return errors.Join(errs...)
}

// openRepo opens the repository that the command is about: that of --repo, the
// current directory if it is one, $OSTREE_REPO, or that of the system. It stays
// open until the program ends.
func (e *env) openRepo() (*ostree.Repo, error) {
	switch {
	case e.repoPath != "":
		return e.openRepoAt(e.repoPath)
	case isDir("objects") && isFile("config"):
		return e.openRepoAt(".")
	case e.getenv("OSTREE_REPO") != "":
		return e.openRepoAt(e.getenv("OSTREE_REPO"))
	}
	sysroot := cmp.Or(e.getenv("OSTREE_SYSROOT"), "/")
	if !isDir(filepath.Join(sysroot, systemRepo)) {
		return nil, usagef("Command requires a --repo argument")
	}
	return e.openSysrootRepo(sysroot)
}

// openRepoOrSysroot opens the repository of a sysroot, if one is given.
func (e *env) openRepoOrSysroot(sysroot string) (*ostree.Repo, error) {
	if sysroot != "" {
		return e.openSysrootRepo(sysroot)
	}
	return e.openRepo()
}

// systemRepo is where a sysroot has its repository.
const systemRepo = "ostree/repo"

func (e *env) openSysrootRepo(sysroot string) (*ostree.Repo, error) {
	o := e.repoOptions()
	var err error
	if o.RemotesDir, err = deploy.RemotesDir(sysroot); err != nil {
		return nil, err
	}
	return e.open(filepath.Join(sysroot, systemRepo), o)
}

// openRepoAt opens a repository with what the environment says about all. That
// of the running system has remotes in /etc, whatever path leads to it.
func (e *env) openRepoAt(path string) (*ostree.Repo, error) {
	o := e.repoOptions()
	if sameFile(path, "/"+systemRepo) {
		o.RemotesDir = "/etc/ostree/remotes.d"
	}
	return e.open(path, o)
}

func (e *env) open(path string, o ostree.Options) (*ostree.Repo, error) {
	r, err := ostree.Open(path, o)
	if err != nil {
		return nil, openMessage(path, err)
	}
	e.repos = append(e.repos, r)
	return r, nil
}

// newRepoPath is where init makes a repository: like openRepo, but it need not
// exist.
func (e *env) newRepoPath() (string, error) {
	if path := cmp.Or(e.repoPath, e.getenv("OSTREE_REPO")); path != "" {
		return path, nil
	}
	if isDir("objects") && isFile("config") {
		return ".", nil
	}
	path := filepath.Join(cmp.Or(e.getenv("OSTREE_SYSROOT"), "/"), systemRepo)
	if !isDir(path) {
		return "", usagef("Command requires a --repo argument")
	}
	return path, nil
}

// repoOptions are the options of every repository.
func (e *env) repoOptions() ostree.Options {
	return ostree.Options{
		BootID:           e.getenv("OSTREE_BOOTID"),
		GPGHome:          e.getenv("OSTREE_GPG_HOME"),
		WriteSplitXattrs: e.getenv("OSTREE_EXP_WRITE_BARE_SPLIT_XATTRS") != "",
		Proxy:            http.ProxyFromEnvironment,
		SkipCache:        e.getenv("OSTREE_SKIP_CACHE") != "",
		DummySign:        e.getenv("OSTREE_DUMMY_SIGN_ENABLED") != "",
		BeforePublish:    e.beforePublish(),
	}
}

// beforePublish interrupts updates if $OSTREE_REPO_TEST_ERROR asks for it.
func (e *env) beforePublish() func() error {
	if e.getenv("OSTREE_REPO_TEST_ERROR") != "pre-commit" {
		return nil
	}
	return func() error { return errors.New("OSTREE_REPO_TEST_ERROR_PRE_COMMIT specified") }
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
