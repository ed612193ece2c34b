package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// A fixture is what the rows work on: a root file system, the same after an upgrade, and
// repositories that the peer wrote with both, "base" and "next".
type fixture struct {
	dir, root, next string
	url             string // of the archive repository
	server          *http.Server
	deltaFile, old  string // see delta
	many            string // see manyRefs
	sys             string // see sysroot
}

// newFixture makes a Debian of about 17,000 files and 600 MB.
func newFixture(ctx context.Context, opts options, dir string) (*fixture, error) {
	tar, err := peer.RootTar(ctx, opts.cache, "bookworm", "linux-image-cloud-amd64", "systemd", "dbus", "python3", "git", "perl",
		"locales", "man-db", "vim", "openssh-client", "curl", "iputils-ping", "sudo", "gnupg", "tzdata")
	if err != nil {
		return nil, err
	}
	f := &fixture{dir: dir, root: filepath.Join(dir, "root"), next: filepath.Join(dir, "next")}
	if err := peer.Unpack(ctx, tar, f.root); err != nil {
		return nil, err
	}
	if err := upgrade(ctx, f.root, f.next); err != nil {
		return nil, err
	}
	for _, mode := range []string{"bare", "archive"} {
		if err := initRepo(ctx, f.repo(mode), mode); err != nil {
			return nil, err
		}
		for branch, tree := range map[string]string{"base": f.root, "next": f.next} {
			if err := runPeer(ctx, "commit", "--repo="+f.repo(mode), "--branch="+branch, "--tree=dir="+tree); err != nil {
				return nil, err
			}
		}
	}
	if err := runPeer(ctx, "summary", "--update", "--repo="+f.repo("archive")); err != nil {
		return nil, err
	}
	return f, f.serve(ctx)
}

func (f *fixture) repo(mode string) string { return filepath.Join(f.dir, "repo-"+mode) }

// serve offers the archive repository over HTTP, to both sides alike.
func (f *fixture) serve(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.url = "http://" + listener.Addr().String()
	f.server = &http.Server{Handler: http.FileServer(http.Dir(f.repo("archive"))), ReadHeaderTimeout: time.Minute}
	go func() { _ = f.server.Serve(listener) }() // it ends with close
	return nil
}

func (f *fixture) close() { _ = f.server.Close() } // nothing is left to be sent

// delta returns a static delta from base to next as one file that the peer made, and a bare
// repository that has base alone.
func (f *fixture) delta(ctx context.Context) (file, old string, err error) {
	if f.deltaFile != "" {
		return f.deltaFile, f.old, nil
	}
	file, old = filepath.Join(f.dir, "delta"), filepath.Join(f.dir, "repo-old")
	if err := initRepo(ctx, old, "bare"); err != nil {
		return "", "", err
	}
	if err := runPeer(ctx, "pull-local", "--repo="+old, f.repo("bare"), "base"); err != nil {
		return "", "", err
	}
	err = runPeer(ctx, "static-delta", "generate", "--repo="+f.repo("archive"), "--from=base", "--to=next", "--inline", "--min-fallback-size=0", "--filename="+file)
	f.deltaFile, f.old = file, old
	return file, old, err
}

// manyRefs returns an archive repository with 10,000 refs, each of another commit.
func (f *fixture) manyRefs(ctx context.Context) (string, error) {
	if f.many != "" {
		return f.many, nil
	}
	r, err := ostree.Init(filepath.Join(f.dir, "repo-many"), ostree.ModeArchive, ostree.Options{})
	if err != nil {
		return "", err
	}
	err = r.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.WriteTree(ctx, ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755}))
		if err != nil {
			return err
		}
		for i := range 10000 {
			c, err := w.WriteCommit(ctx, ostree.Commit{Subject: fmt.Sprint(i), Timestamp: time.Unix(epoch, 0), Tree: tree})
			if err != nil {
				return err
			}
			if err := w.SetRef(ostree.Refspec{Ref: fmt.Sprintf("app/%d/%d", i%100, i)}, c); err != nil {
				return err
			}
		}
		return nil
	})
	f.many = r.Path()
	return f.many, errors.Join(err, r.Close())
}

// upgrade makes a copy of a tree in which one file of 20 is changed in the middle, one of 100 is gone and
// one of 100 has a new neighbour. The other files are hard links.
func upgrade(ctx context.Context, from, to string) error {
	if err := linkTree(ctx, from, to); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		h := fnv.New32a()
		h.Write([]byte(path[len(to):]))
		switch n := h.Sum32() % 100; {
		case n == 0:
			return os.Remove(path)
		case n == 1:
			return rewrite(path, path+".new")
		case n < 7:
			return rewrite(path, path)
		}
		return nil
	})
}

// rewrite writes a changed version of a file, which has the owner and mode of the old one.
func rewrite(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(from, &st); err != nil {
		return err
	}
	data = bytes.Clone(data)
	for i := len(data) / 3; i < min(len(data), len(data)/3+64); i++ {
		data[i]++
	}
	data = append(data[:len(data)/2:len(data)/2], append([]byte("a few more bytes"), data[len(data)/2:]...)...)
	if from == to {
		if err := os.Remove(to); err != nil { // it has a link in the old tree
			return err
		}
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return err
	}
	return errors.Join(unix.Lchown(to, int(st.Uid), int(st.Gid)), unix.Chmod(to, st.Mode&0o7777))
}

func linkTree(ctx context.Context, from, to string) error {
	return command(ctx, "cp", "--archive", "--link", from, to)
}

func initRepo(ctx context.Context, repo, mode string) error {
	return runPeer(ctx, "init", "--repo="+repo, "--mode="+mode)
}

func runPeer(ctx context.Context, args ...string) error { return command(ctx, theirs, args...) }

func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}
