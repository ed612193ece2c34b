package dpkg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// Entry is what dpkg knows of a package.
type Entry struct {
	// Name and Architecture identify the package; Architecture may be "" if it is not installed.
	Name, Architecture string
	// Want is what the administrator selected: unknown, install, hold, deinstall or purge.
	Want string
	// Flag is "ok", or "reinstreq" if the package is broken and has to be installed again.
	Flag string
	// State is one of not-installed, config-files, half-installed, unpacked, half-configured,
	// triggers-awaited, triggers-pending and installed.
	State string
	// ConfigVersion is the version that was configured last, while the state is in between.
	ConfigVersion string
	// TriggersPending are triggers the package has to process, TriggersAwaited packages that have to
	// process triggers for this one.
	TriggersPending, TriggersAwaited []string
	// Conffiles are the configuration files.
	Conffiles []Conffile
	// Package has the other fields. It is nil for an entry without a version, which is not installed.
	Package *apt.Package
	// Paragraph is the entry as it was.
	Paragraph deb822.Paragraph
}

// Conffile is a line of the field Conffiles.
type Conffile struct {
	// Path is absolute.
	Path string
	// Hash is the MD5 of the file as the package shipped it, or "newconffile" before the first
	// configuration.
	Hash string
	// Obsolete says that the package does not ship it any more, Remove that an upgrade removes it.
	Obsolete, Remove bool
}

// Installed reports whether the package is installed and configured.
func (e Entry) Installed() bool {
	switch e.State {
	case "installed", "triggers-awaited", "triggers-pending":
		return true
	}
	return false
}

// Directories are the places of the database inside a system, the first that has a status file counts:
// a commit of ours, one of Endless OS and its kin, an ordinary Debian.
func Directories() []string {
	return []string{"usr/lib/sysimage/dpkg", "usr/share/dpkg/database", "var/lib/dpkg"}
}

// ReadStatusFS reads the database of the system in fsys, including the journal in updates that an
// interrupted dpkg leaves behind. Without a database the error matches [fs.ErrNotExist].
func ReadStatusFS(fsys fs.FS) ([]Entry, error) {
	for _, dir := range Directories() {
		entries, err := readFile(fsys, path.Join(dir, "status"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return readJournal(fsys, path.Join(dir, "updates"), entries)
	}
	return nil, &fs.PathError{Op: "read", Path: "dpkg status in " + strings.Join(Directories(), ", "), Err: fs.ErrNotExist}
}

// readFile reads one file of paragraphs.
func readFile(fsys fs.FS, name string) ([]Entry, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := ReadStatus(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return entries, nil
}

// readJournal applies the numbered files of the journal, in order: a later paragraph replaces the
// earlier one of the same package.
func readJournal(fsys fs.FS, dir string, entries []Entry) ([]Entry, error) {
	files, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return entries, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if strings.Trim(f.Name(), "0123456789") != "" {
			continue
		}
		updates, err := readFile(fsys, path.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		for _, u := range updates {
			same := func(e Entry) bool { return e.Name == u.Name && e.Architecture == u.Architecture }
			if i := slices.IndexFunc(entries, same); i >= 0 {
				entries[i] = u
			} else {
				entries = append(entries, u)
			}
		}
	}
	return entries, nil
}

// ReadStatus reads a status file.
func ReadStatus(r io.Reader) ([]Entry, error) {
	var entries []Entry
	paragraphs := deb822.NewReader(r, deb822.Options{})
	for {
		p, err := paragraphs.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		e, err := parseEntry(p, statusOf(p))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.Line("Package"), err)
		}
		entries = append(entries, e)
	}
}

// statusOf returns the words of the field Status, empty ones if they are not three.
func statusOf(p deb822.Paragraph) (words [3]string) {
	if fields := strings.Fields(p.Get("Status")); len(fields) == 3 {
		copy(words[:], fields)
	}
	return words
}

// parseEntry interprets a paragraph. An entry that is not installed may lack everything but its name.
func parseEntry(p deb822.Paragraph, status [3]string) (Entry, error) {
	e := Entry{
		Name: p.Get("Package"), Architecture: p.Get("Architecture"), ConfigVersion: p.Get("Config-Version"),
		TriggersPending: strings.Fields(p.Get("Triggers-Pending")), TriggersAwaited: strings.Fields(p.Get("Triggers-Awaited")),
		Want: status[0], Flag: status[1], State: status[2],
		Paragraph: p,
	}
	if e.Name == "" {
		return e, errors.New("paragraph has no field Package")
	}
	if e.State == "" {
		return e, fmt.Errorf("package %s: status %q is not three words", e.Name, p.Get("Status"))
	}
	var err error
	if e.Conffiles, err = parseConffiles(p.Get("Conffiles")); err != nil {
		return e, fmt.Errorf("package %s: %w", e.Name, err)
	}
	if e.State == "not-installed" || e.State == "config-files" && p.Get("Version") == "" {
		return e, nil
	}
	e.Package, err = apt.ParsePackage(p)
	return e, err
}

// parseConffiles parses lines of " path hash [obsolete] [remove-on-upgrade]". A path may have blanks.
func parseConffiles(value string) ([]Conffile, error) {
	var list []Conffile
	for line := range deb822.Lines(value) {
		if line == "" {
			continue
		}
		var c Conffile
		line, c.Remove = strings.CutSuffix(line, " remove-on-upgrade")
		line, c.Obsolete = strings.CutSuffix(line, " obsolete")
		i := strings.LastIndexByte(line, ' ')
		if i <= 0 || line[0] != '/' {
			return nil, fmt.Errorf("conffile line %q has no path and hash", line)
		}
		c.Path, c.Hash = line[:i], line[i+1:]
		list = append(list, c)
	}
	return list, nil
}

// Installed returns the installed packages, sorted by name and architecture.
func Installed(entries []Entry) []*apt.Package {
	var list []*apt.Package
	for _, e := range entries {
		if e.Installed() && e.Package != nil {
			list = append(list, e.Package)
		}
	}
	slices.SortStableFunc(list, compareKeys)
	return list
}

// compareKeys orders by name and architecture.
func compareKeys(a, b *apt.Package) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Architecture, b.Architecture)
}
