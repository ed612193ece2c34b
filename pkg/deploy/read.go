package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// readDeployment reads the deployment a boot entry is for: its argument ostree= leads through the
// link farm to the directory. It reports false for an entry without that argument.
func (s *Sysroot) readDeployment(ctx context.Context, entry *bootentry.Entry, host host) (Deployment, bool, error) {
	args := kargs.Parse(entry.Get(bootentry.KeyOptions))
	links := args.Values("ostree")
	if len(links) == 0 {
		return Deployment{}, false, nil
	}
	link, err := parseBootLink(links[0])
	if err != nil {
		return Deployment{}, false, &EntryError{err}
	}
	path := filepath.Join(s.path, links[0])
	target, err := os.Readlink(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Deployment{}, false, &EntryError{err}
	}
	if err != nil {
		return Deployment{}, false, err
	}
	checksum, serial, ok := parseDeploymentName(filepath.Base(target))
	if !ok {
		return Deployment{}, false, &CorruptError{Path: path, Err: fmt.Errorf("it points to %q, which is not a deployment", target)}
	}
	d := Deployment{
		Stateroot: link.stateroot, Checksum: checksum, Serial: serial,
		BootChecksum: link.bootChecksum, BootSerial: link.serial,
		Kargs: userArgs(args), args: args, entry: entry,
	}
	err = s.fill(ctx, &d, host)
	if errors.Is(err, fs.ErrNotExist) {
		err = &EntryError{err}
	}
	return d, true, err
}

// fill reads what does not come from the boot entry.
func (s *Sysroot) fill(ctx context.Context, d *Deployment, host host) error {
	d.Path = s.deploymentPath(*d)
	var st unix.Stat_t
	if err := unix.Stat(d.Path, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: d.Path, Err: err}
	}
	d.Booted = host.isBooted(st)
	if err := s.readOrigin(d); err != nil {
		return err
	}
	d.Unlocked = s.readUnlocked(*d)
	return s.readCommit(ctx, d)
}

// bootLink is what the kernel argument ostree= holds.
type bootLink struct {
	stateroot, bootChecksum string
	serial                  int
}

var bootLinkPattern = regexp.MustCompile(`^/ostree/boot\.[01]/([^/]+)/([^/]+)/([0-9]{1,9})$`)

// parseBootLink reads /ostree/boot.VERSION/STATEROOT/BOOTCHECKSUM/SERIAL.
func parseBootLink(text string) (bootLink, error) {
	m := bootLinkPattern.FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(m[1], ".") || strings.HasPrefix(m[2], ".") {
		return bootLink{}, fmt.Errorf("kernel argument ostree=%s is not /ostree/boot.VERSION/STATEROOT/BOOTCHECKSUM/SERIAL", text)
	}
	serial, err := strconv.Atoi(m[3])
	return bootLink{stateroot: m[1], bootChecksum: m[2], serial: serial}, err
}

// userArgs returns a command line without the arguments that name the deployment: ostree=, and the
// init= of a system without an initramfs.
func userArgs(args kargs.Args) kargs.Args { return withoutPrepareRoot(args.Without("ostree")) }

// withoutPrepareRoot removes the init= of a system without an initramfs.
func withoutPrepareRoot(args kargs.Args) kargs.Args {
	if init, _ := args.Get("init"); strings.HasPrefix(init, "/ostree/boot.") {
		return args.Without("init")
	}
	return args
}

// readOrigin reads the origin file. A missing one leaves Origin nil.
func (s *Sysroot) readOrigin(d *Deployment) error {
	path := s.originPath(*d)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.Origin, err = origin.Parse(data); err != nil {
		return &CorruptError{Path: path, Err: err}
	}
	d.Pinned, d.BootFailure = d.Origin.Pinned, d.Origin.BootFailure
	return nil
}

// readUnlocked tells how /usr was made writable.
func (s *Sysroot) readUnlocked(d Deployment) string {
	for _, kind := range []string{"development", "transient"} {
		flag := filepath.Join(s.opts.runDir(), "ostree/deployment-state", d.Name(), "unlocked-"+kind)
		if _, err := os.Lstat(flag); err == nil {
			return kind
		}
	}
	if d.Origin != nil {
		return d.Origin.Unlocked
	}
	return ""
}

// readCommit takes version and time from the commit. A commit that is gone is no error: the
// deployment still boots.
func (s *Sysroot) readCommit(ctx context.Context, d *Deployment) error {
	commit, err := s.repo.LoadCommit(ctx, d.Checksum)
	if errors.Is(err, ostree.ErrObjectNotFound) {
		s.log.Warn("commit of a deployment is missing", "deployment", d.Name())
		return nil
	}
	if err != nil {
		return err
	}
	d.Version, d.Timestamp = commit.Metadata.Str(ostree.MetadataVersion), commit.Timestamp
	d.SourceTitle = commit.Metadata.Str(ostree.MetadataSourceTitle)
	return nil
}
