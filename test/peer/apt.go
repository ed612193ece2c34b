package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// Apt is the APT of this machine with directories of its own: package lists of the machine's sources
// for a release, Debian's default configuration, and a status of installed packages that it only
// reads. It cannot install anything.
type Apt struct{ Dir string }

// NewApt makes the directories below dir, which must be absolute, and lets apt-get fetch the lists.
func NewApt(ctx context.Context, dir, release string) (*Apt, error) {
	a := &Apt{dir}
	sources, err := MachineSources(release)
	if err != nil {
		return nil, err
	}
	return a, errors.Join(a.init(sources), a.SetInstalled(nil), a.run(ctx, "apt-get", "update"))
}

// NewAptOffline makes the directories for sources that are directories of this machine, in deb822
// format, and reads them.
func NewAptOffline(ctx context.Context, dir string, sources []source.Source) (*Apt, error) {
	a := &Apt{dir}
	return a, errors.Join(a.init(source.Format(sources)), a.SetInstalled(nil), a.run(ctx, "apt-get", "update"))
}

func (a *Apt) init(sources []byte) error {
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "sources", "preferences", "parts", "log", "solvers"} {
		if err := os.MkdirAll(filepath.Join(a.Dir, sub), 0o755); err != nil {
			return err
		}
	}
	machine, err := conf.Load("/")
	if err != nil {
		return err
	}
	var config strings.Builder
	for name, value := range map[string]string{
		"Dir::State":                 a.path("state"),
		"Dir::State::status":         a.path("status"),
		"Dir::Cache":                 a.path("cache"),
		"Dir::Etc::main":             "/dev/null",
		"Dir::Etc::parts":            a.path("parts"),
		"Dir::Etc::sourcelist":       "/dev/null",
		"Dir::Etc::sourceparts":      a.path("sources"),
		"Dir::Etc::preferences":      "/dev/null",
		"Dir::Etc::preferencesparts": a.path("preferences"),
		"Dir::Log":                   a.path("log"),
		"Dir::Bin::solvers::":        a.path("solvers"),
		"Dir::Bin::dpkg":             "/bin/false",
		"APT::Sandbox::User":         "root",
		"Acquire::http::Proxy":       machine.Get("Acquire::http::Proxy"),
		"Acquire::https::Proxy":      machine.Get("Acquire::https::Proxy"),
		"Acquire::Languages":         "none",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
	} {
		if value != "" {
			fmt.Fprintf(&config, "%s %q;\n", name, value)
		}
	}
	return errors.Join(
		os.WriteFile(a.path("apt.conf"), []byte(config.String()), 0o644),
		os.WriteFile(a.path("sources/machine.sources"), sources, 0o644),
	)
}

func (a *Apt) path(name string) string { return filepath.Join(a.Dir, name) }

// Environment is what makes apt-get and apt-cache use these directories.
func (a *Apt) Environment() []string {
	return append(os.Environ(), "APT_CONFIG="+a.path("apt.conf"), "LC_ALL=C.UTF-8")
}

func (a *Apt) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = a.Environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w\n%s", args, err, out)
	}
	return nil
}

// Check asks APT whether the installed packages keep all rules.
func (a *Apt) Check(ctx context.Context) error { return a.run(ctx, "apt-get", "check") }

// Configure adds to the configuration.
func (a *Apt) Configure(text string) error {
	return os.WriteFile(a.path("parts/more"), []byte(text), 0o644)
}

// SetPreferences replaces the pins, see apt_preferences(5).
func (a *Apt) SetPreferences(text string) error {
	return os.WriteFile(a.path("preferences/pins"), []byte(text), 0o644)
}

// SetInstalled makes packages, which must have their paragraphs, the installed ones, none of them
// automatically.
func (a *Apt) SetInstalled(packages []*apt.Package) error { return a.SetStatus(Status(packages)) }

// SetStatus replaces dpkg's status.
func (a *Apt) SetStatus(status []byte) error { return os.WriteFile(a.path("status"), status, 0o644) }

// Status writes packages as dpkg's status of installed ones.
func Status(packages []*apt.Package) []byte {
	var b bytes.Buffer
	for _, p := range packages {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\n", p.Name)
		for f := range p.Paragraph().All() {
			if !slices.Contains([]string{"Package", "Filename", "Size", "MD5sum", "SHA256", "Description-md5"}, f.Name) {
				fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Download fetches the packages that apt-get would install of some requests and returns their files.
func (a *Apt) Download(ctx context.Context, requests ...string) ([]string, error) {
	install := append([]string{"install", "-y", "-qq"}, requests...)
	// Without a cache it prints those too that are downloaded.
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--print-uris", "-o", "Dir::Cache::archives=none"}, install...)...)
	cmd.Env = a.Environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("apt-get --print-uris %q: %w", install, err)
	}
	if err := a.run(ctx, append([]string{"apt-get", "--download-only"}, install...)...); err != nil {
		return nil, err
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasSuffix(fields[1], ".deb") {
			files = append(files, filepath.Join(a.path("cache/archives"), fields[1]))
		}
	}
	return files, nil
}

// Lists are the Packages files that apt-get fetched.
func (a *Apt) Lists() ([]string, error) { return filepath.Glob(a.path("state/lists/*_Packages")) }

// Packages reads the lists. Their packages have no origin.
func (a *Apt) Packages() ([]*apt.Package, error) {
	lists, err := a.Lists()
	var all []*apt.Package
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			return nil, err
		}
		s := deb822.NewScanner(string(text), deb822.Options{})
		for s.Next() {
			p, err := apt.ParsePackage(s.Paragraph())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list, err)
			}
			all = append(all, p)
		}
		if s.Err() != nil {
			return nil, fmt.Errorf("%s: %w", list, s.Err())
		}
	}
	return all, err
}

// Answer is what apt-get would do, by names, with ":architecture" for those of a foreign one.
type Answer struct {
	// Install has the versions of new packages and of those that change theirs.
	Install map[string]string
	Remove  map[string]bool
}

// headings of the lists that apt-get prints, and whether they are of packages to remove.
var headings = map[string]bool{
	"The following NEW packages will be installed:":              false,
	"The following packages will be upgraded:":                   false,
	"The following packages will be DOWNGRADED:":                 false,
	"The following packages will be REMOVED:":                    true,
	"WARNING: The following essential packages will be removed.": true,
}

// Ask runs a command of apt-get such as "install vim" without its simulation of dpkg, which takes most
// of the time of `apt-get -s`. The error is an [*exec.ExitError] if there is no answer.
func (a *Apt) Ask(ctx context.Context, args ...string) (*Answer, error) {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--print-uris", "-V"}, args...)...)
	cmd.Env = a.Environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	answer := &Answer{map[string]string{}, map[string]bool{}}
	reading, remove := false, false
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, " ") {
			remove, reading = headings[strings.TrimSpace(line)]
			continue
		}
		name, versions, found := strings.Cut(strings.TrimSpace(line), " (")
		if !reading || !found && !remove {
			continue
		}
		versions = strings.TrimSuffix(versions, ")")
		if _, to, changed := strings.Cut(versions, " => "); changed {
			versions = to
		}
		if remove {
			answer.Remove[name] = true
		} else {
			answer.Install[name] = versions
		}
	}
	return answer, nil
}
