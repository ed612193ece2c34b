package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// defaultCache is where composes keep what they download unless told otherwise.
const defaultCache = "/var/cache/apt-ostree/compose"

// tmpfsWorkDir is where trees are put together in memory. What a compose leaves there when it is killed
// goes with the next one.
const tmpfsWorkDir = "/dev/shm/apt-ostree"

// composeFlags are the options of the commands below `compose`.
type composeFlags struct {
	// where packages come from
	cacheDir, arch, sourceRoot, proxy string
	workDir                           string
	workTmpfs, cacheOnly              bool
	unpacker                          string
	unifiedCore                       bool
	// what is chosen
	lockfiles                               []string
	lockStrict                              bool
	writeLockfile                           string
	previous, previousHash, previousVersion string
	dryRun, print, json, force              bool
	download, downloadDebs                  bool
	// what the commit is
	repo, layerRepo          string
	parent, touch            string
	noParent                 bool
	writeCommitID, writeJSON string
	metadata, metadataFiles  []string
}

// addSources adds the options of all commands that make trees.
func (f *composeFlags) addSources(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.cacheDir, "cachedir", defaultCache, "keep metadata and packages in this directory")
	flags.StringVar(&f.arch, "arch", txn.NativeArchitecture(), "Debian architecture to compose for")
	flags.BoolVar(&f.cacheOnly, "cache-only", false, "use what is downloaded already, no network")
	flags.StringVar(&f.sourceRoot, "source-root", "", "use the APT configuration, keyrings and release of the system below this `DIR`")
	flags.StringVar(&f.proxy, "proxy", "", "fetch through the HTTP proxy at this `URL`")
	flags.StringVar(&f.workDir, "workdir", "", "put the tree together below this `DIR`; one on another file system than the repository costs a copy")
	flags.BoolVar(&f.workTmpfs, "workdir-tmpfs", false, "put the tree together in memory")
	hide(c, "workdir-tmpfs")
	c.MarkFlagsMutuallyExclusive("workdir", "workdir-tmpfs")
	flags.BoolVar(&f.json, "json", false, "print JSON: what was made, or the plan of --dry-run")
	addUnpacker(c, &f.unpacker)
}

// addPlan adds the options of the commands that choose packages.
func (f *composeFlags) addPlan(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "print what would be composed and stop")
	flags.StringArrayVar(&f.lockfiles, "lockfile", nil, "use the versions in this `FILE`; can be given several times, later ones count")
	flags.BoolVar(&f.lockStrict, "lockfile-strict", false, "install exactly what is in the lockfiles")
	flags.StringVar(&f.writeLockfile, "write-lockfile-to", "", "write the versions that were chosen to this `FILE`")
	f.addPrevious(c)
	aliases := map[string]string{
		"ex-lockfile": "lockfile", "ex-lockfile-strict": "lockfile-strict", "ex-write-lockfile-to": "write-lockfile-to",
		"download-only-rpms": "download-only-debs",
	}
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if other, ok := aliases[name]; ok {
			name = other
		}
		return pflag.NormalizedName(name)
	})
}

// addRepo adds the repository that commits are in.
func (f *composeFlags) addRepo(c *cobra.Command, help string) {
	c.Flags().StringVarP(&f.repo, "repo", "r", "", help)
	c.Flags().StringVar(&f.layerRepo, "layer-repo", "", "take the layers of the treefile from this repository")
}

// addPrevious adds the facts that the new commit is compared with.
func (f *composeFlags) addPrevious(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.previous, "previous-commit", "", "compare with this commit to find out whether anything changed (default: the parent)")
	flags.StringVar(&f.previousHash, "previous-inputhash", "", "take this for the input hash of the previous commit")
	flags.StringVar(&f.previousVersion, "previous-version", "", "take this for the version of the previous commit")
}

// addCommit adds the options of the commands that write commits.
func (f *composeFlags) addCommit(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.writeCommitID, "write-commitid-to", "", "write the checksum to this file and leave the ref alone")
	flags.StringVar(&f.writeJSON, "write-composejson-to", "", "write statistics as JSON to this file")
	flags.StringVar(&f.parent, "parent", "", "parent of the new commit, instead of the ref's")
	flags.BoolVar(&f.noParent, "no-parent", false, "make a commit without parent")
	c.MarkFlagsMutuallyExclusive("parent", "no-parent")
	flags.StringArrayVar(&f.metadata, "add-metadata-string", nil, "add `KEY=VALUE` to the commit's metadata")
	flags.StringArrayVar(&f.metadataFiles, "add-metadata-from-json", nil, "add the JSON object in this `FILE` to the commit's metadata")
}

func (f *composeFlags) treefile(args []string) (*compose.Treefile, error) {
	opts := compose.LoadOptions{Architecture: f.arch}
	if f.sourceRoot != "" {
		release, err := compose.ReleaseOf(f.sourceRoot)
		if err != nil {
			return nil, fmt.Errorf("--source-root=%s: %w", f.sourceRoot, err)
		}
		opts.Releasever = release
	}
	if len(args) == 0 {
		return compose.Embedded(opts)
	}
	return compose.Load(args[0], opts)
}

// composeOptions translates the flags.
func (a *app) composeOptions(tree *compose.Treefile, f composeFlags) (opts compose.Options, err error) {
	opts = compose.Options{
		Treefile: tree, CacheDir: f.cacheDir, Root: f.sourceRoot, Proxy: f.proxy, WorkDir: f.workDir, Offline: f.cacheOnly,
		LockfileStrict: f.lockStrict, Previous: f.previous, PreviousInputHash: f.previousHash, PreviousVersion: f.previousVersion,
		NoParent: f.noParent, Parent: f.parent, NoRef: f.writeCommitID != "", Force: f.force,
		Unpacker: assemble.UnpackMode(f.unpacker), Runner: a.Options.Runner, HTTP: a.Options.HTTP, Logger: a.logger(),
	}
	if f.proxy != "" {
		if u, err := url.Parse(f.proxy); err != nil || u.Host == "" {
			return opts, fmt.Errorf("--proxy=%s: not a URL with a host", f.proxy)
		}
	}
	if f.workTmpfs {
		opts.WorkDir = tmpfsWorkDir
		if err := checkTmpfs(tmpfsWorkDir); err != nil {
			return opts, fmt.Errorf("--workdir-tmpfs: %w", err)
		}
	}
	if len(f.lockfiles) > 0 {
		if opts.Lockfile, err = compose.LoadLockfiles(f.lockfiles...); err != nil {
			return opts, err
		}
	} else if f.lockStrict {
		return opts, errors.New("--lockfile-strict needs a --lockfile")
	}
	if opts.Metadata, err = f.addedMetadata(); err != nil {
		return opts, err
	}
	if opts.Timestamp, err = a.timestamp(); err != nil {
		return opts, err
	}
	return opts, checkUnpacker(f.unpacker)
}

// checkTmpfs makes a directory, which must be in memory.
func checkTmpfs(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if st.Type != unix.TMPFS_MAGIC {
		return fmt.Errorf("%s is not on a tmpfs", dir)
	}
	return nil
}

// errNoRepo is for commands that write commits.
var errNoRepo = errors.New("--repo is required")

// withComposer opens the repository and a composer that nobody else uses the cache of, for as long as do
// runs.
func (a *app) withComposer(ctx context.Context, tree *compose.Treefile, f composeFlags, do func(*ostree.Repo, *compose.Composer) error) error {
	opts, err := a.composeOptions(tree, f)
	if err != nil {
		return err
	}
	if f.repo != "" {
		repo, closeRepo, err := openOrInit(f.repo, f.dryRun)
		if err != nil {
			return err
		}
		defer closeRepo()
		opts.Repo = repo
	}
	if f.layerRepo != "" {
		if opts.LayerRepo, err = ostree.Open(f.layerRepo, ostree.Options{}); err != nil {
			return err
		}
		defer opts.LayerRepo.Close()
	}
	composer, err := compose.New(opts)
	if err != nil {
		return err
	}
	unlock, err := composer.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock() //nolint:errcheck // it goes away with the process
	return do(opts.Repo, composer)
}

// openOrInit opens a repository, or makes one where there is nothing; for a dry run an empty one
// elsewhere, which goes away when it is closed.
func openOrInit(path string, dry bool) (repo *ostree.Repo, closeRepo func(), err error) {
	closeRepo = func() { repo.Close() } // everything was synced before
	repo, err = ostree.Open(path, ostree.Options{})
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return repo, closeRepo, err
	}
	if there, _ := os.ReadDir(path); len(there) > 0 { // if it cannot be read, Init says why
		return nil, nil, err
	}
	if dry {
		if path, err = os.MkdirTemp("", "apt-ostree-"); err != nil {
			return nil, nil, err
		}
		closeRepo = func() {
			repo.Close()       // nothing was written
			os.RemoveAll(path) //nolint:errcheck // a few empty directories in the temporary one
		}
	}
	repo, err = ostree.Init(path, ostree.ModeBare, ostree.Options{})
	return repo, closeRepo, err
}

// addedMetadata is what the options add to the commit, in their order.
func (f *composeFlags) addedMetadata() (ostree.Metadata, error) {
	m, err := metadataStrings(f.metadata)
	if err != nil {
		return nil, err
	}
	for _, name := range f.metadataFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		more, err := compose.MetadataFromJSON(text)
		if err != nil {
			return nil, fmt.Errorf("--add-metadata-from-json=%s: %w", name, err)
		}
		for _, e := range more {
			m.Set(e.Key, e.Value)
		}
	}
	return m, nil
}

func metadataStrings(pairs []string) (ostree.Metadata, error) {
	var m ostree.Metadata
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--add-metadata-string=%s: not of the form KEY=VALUE", pair)
		}
		m = append(m, ostree.MetadataEntry{Key: key, Value: gvariant.String(value)})
	}
	return m, nil
}
