package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// Options are what a repository takes from its surroundings. The zero value is
// useful.
type Options struct {
	// Clock gives the time, for deciding which temporary files are old. Nil
	// means time.Now.
	Clock func() time.Time
	// LockTimeout is how long to wait for a lock that another process holds. Zero
	// means what the configuration says, which is 300 seconds unless set;
	// negative means for ever.
	LockTimeout time.Duration
	// BootID names staging directories, which do not outlive a boot. Empty means
	// that of the running kernel.
	BootID string
	// NoSync leaves out all syncing, as core.fsync=false does. After a crash of
	// the machine the repository may then be damaged.
	NoSync bool
	// WriteSplitXattrs permits writing to repositories of [ModeBareSplitXattrs],
	// which libostree does only as an experiment. Like there, files come without
	// the objects that hold their attributes: the repository cannot be read until
	// the program that builds a container layer of it has added those.
	WriteSplitXattrs bool
	// GPGHome is the directory of the OpenPGP keyrings (*.gpg) that the system
	// trusts for remotes without a keyring of their own. Empty means
	// /usr/share/ostree/trusted.gpg.d.
	GPGHome string
	// SignKeyDirs are the directories in which the other kinds of keys are, see
	// [sign.LoadKeyDirs]. Nil means /etc/ostree and /usr/share/ostree.
	SignKeyDirs []string
	// RemotesDir is a directory with further remotes, one *.conf each, which may be
	// missing: /etc/ostree/remotes.d for the repository of the running system. New
	// remotes go there too, see core.add-remotes-config-dir. Empty means none. It
	// is not about parent repositories.
	RemotesDir string
	// CollectionID is written into the configuration by Init: the name, such as
	// "org.example.OS", of the collection that the refs of the new repository are
	// in. Empty means none.
	CollectionID string
	// Proxy chooses a proxy for requests to remotes that have none in their
	// configuration, as http.ProxyFromEnvironment does. Nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// SkipCache leaves out the cache of summaries within the repository.
	SkipCache bool
	// BeforePublish, if set, is called when an update has written everything and is
	// about to make it visible. An error ends the update and leaves the staging
	// directory, even an empty one, as libostree does. It is for tests.
	BeforePublish func() error
	// DummySign lets signatures of type "dummy" count. They protect nothing and
	// are for tests.
	DummySign bool
}

// A Repo is an open repository. It may be used by several goroutines.
type Repo struct {
	path     string
	opts     Options
	settings settings
	writable bool
	fd       int    // the repository's directory
	store    *store // its objects, and behind them those of its parents
	parent   *Repo  // may be nil
	pools    *pools

	mu          sync.Mutex
	config      *keyfile.File          // replaced and never changed
	remoteFiles map[string]remoteEntry // of Options.RemotesDir
}

// maxParents bounds the chain of core.parent, which could be a circle.
const maxParents = 8

// Init creates a repository at path, which may exist as a directory, and opens
// it. If there already is a repository it is opened as it is and keeps its mode.
func Init(path string, mode Mode, opts Options) (*Repo, error) {
	if opts.CollectionID != "" {
		if err := ValidateCollectionID(opts.CollectionID); err != nil {
			return nil, fmt.Errorf("init repository %s: %w", path, err)
		}
	}
	if isRepo(path) {
		return Open(path, opts)
	}
	if err := create(path, mode, opts.CollectionID); err != nil {
		return nil, fmt.Errorf("init repository %s: %w", path, err)
	}
	return Open(path, opts)
}

func isRepo(path string) bool {
	st, err := os.Stat(filepath.Join(path, "objects"))
	return err == nil && st.IsDir()
}

// create makes "objects" last, because that is what marks a repository.
func create(path string, mode Mode, collection string) error {
	if err := os.MkdirAll(path, 0o775); err != nil {
		return err
	}
	if mode == ModeBareUser {
		if err := probeUserXattrs(path); err != nil {
			return err
		}
	}
	for _, dir := range []string{"tmp", "extensions", "state", "refs", "refs/heads", "refs/mirrors", "refs/remotes"} {
		if err := mkdir(filepath.Join(path, dir)); err != nil {
			return err
		}
	}
	if err := fsx.WriteFile(filepath.Join(path, "config"), newConfig(mode, collection), 0o644); err != nil {
		return err
	}
	return mkdir(filepath.Join(path, "objects"))
}

func mkdir(path string) error {
	if err := os.Mkdir(path, 0o775); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// probeUserXattrs finds out early that a file system cannot hold what bare-user
// repositories keep in attributes.
func probeUserXattrs(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	err = fsx.SetXattrs(int(f.Fd()), []fsx.Xattr{{Name: userMetaXattr, Value: []byte{0}}})
	if err != nil {
		err = fmt.Errorf("mode bare-user needs a file system with user extended attributes: %w", err)
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// Open opens the repository at path.
func Open(path string, opts Options) (*Repo, error) {
	r, err := open(path, opts, maxParents)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", path, err)
	}
	return r, nil
}

func open(path string, opts Options, parents int) (*Repo, error) {
	if !isRepo(path) {
		return nil, fmt.Errorf("not a repository, it has no directory named objects: %w", fs.ErrNotExist)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	config, settings, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	r := &Repo{path: path, opts: opts, settings: settings, config: config, fd: -1, pools: newPools(settings.zlibLevel)}
	if err := r.openDirs(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if opts.RemotesDir != "" {
		if r.remoteFiles, err = readRemotesDir(opts.RemotesDir, config); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if settings.parent != "" {
		if err := r.openParent(parents); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

func (r *Repo) openDirs() error {
	var err error
	if r.fd, err = openDirFD(unix.AT_FDCWD, r.path); err != nil {
		return err
	}
	objects, err := openDirFD(r.fd, "objects")
	if err != nil {
		return err
	}
	r.store = &store{fd: objects, path: filepath.Join(r.path, "objects"), mode: r.settings.mode, pools: r.pools}
	r.writable = unix.Faccessat(objects, ".", unix.W_OK, unix.AT_EACCESS) == nil
	if !r.writable {
		return nil
	}
	return mkdir(filepath.Join(r.path, "tmp"))
}

func (r *Repo) openParent(parents int) error {
	path := r.settings.parent
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.path, path)
	}
	if parents == 0 {
		return fmt.Errorf("more than %d parents, the last is %s", maxParents, path)
	}
	opts := r.opts
	opts.RemotesDir = ""
	parent, err := open(path, opts, parents-1)
	if err != nil {
		return fmt.Errorf("parent %s: %w", path, err)
	}
	r.parent, r.store.next = parent, parent.store
	return nil
}

// Close frees what the repository holds open. It must not be in use.
func (r *Repo) Close() error {
	var errs []error
	if r.parent != nil {
		errs = append(errs, r.parent.Close())
	}
	if r.store != nil {
		errs = append(errs, unix.Close(r.store.fd))
	}
	if r.fd >= 0 {
		errs = append(errs, unix.Close(r.fd))
	}
	r.fd, r.store, r.parent = -1, nil, nil
	return errors.Join(errs...)
}

// Path returns the absolute path of the repository.
func (r *Repo) Path() string { return r.path }

// Mode returns how the repository keeps files.
func (r *Repo) Mode() Mode { return r.settings.mode }

func (r *Repo) now() time.Time {
	if r.opts.Clock != nil {
		return r.opts.Clock()
	}
	return time.Now()
}

// openDirFD opens a directory and returns the bare descriptor: a repository
// holds a few of them for the *at calls until it is closed.
func openDirFD(at int, name string) (int, error) {
	for {
		fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return fd, nil
	}
}
