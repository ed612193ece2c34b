package apttest

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// Options describes an archive. The zero value has the suite "stable" with the codename "test", the
// component "main" and the architecture "amd64".
type Options struct {
	Suite         string
	Codename      string
	Components    []string
	Architectures []string
	Origin, Label string
	// Flat puts Release and Packages next to each other, without dists and components.
	Flat bool
	// ComponentPrefix is put before components in the Release file, as "updates/" is in Debian's
	// security archive.
	ComponentPrefix string
	// SeparateAll lists packages for all architectures in binary-all only.
	SeparateAll bool
	// Compressions of the indexes; the default is xz, gz and none.
	Compressions []Compression
	// Contents adds the lists of files, Contents-ARCH, and Translation the English descriptions, which the
	// indexes then lack, as Debian does.
	Contents    bool
	Translation bool
	// NoByHash leaves out the files by checksum and the field that announces them.
	NoByHash bool
	// Key signs the archive; the default is a new one.
	Key *Key
}

// Archive is an archive of packages in a temporary directory with a server in front of it. Fields
// may be set before [Archive.Publish]. Its methods are safe for concurrent use with requests.
type Archive struct {
	// Dir is the root of the archive on disk, URL that on the server; it ends in a slash.
	Dir string
	URL string
	// Key signs the archive.
	Key *Key

	// Signers replaces Key as the one who signs; sources still name Key.
	Signers []*Key
	// Unsigned leaves out InRelease and Release.gpg. NoInRelease leaves out InRelease only.
	Unsigned    bool
	NoInRelease bool
	// Date and ValidUntil are fields of the Release file. Date defaults to an hour ago; the zero
	// ValidUntil leaves that field out. SignedAt is the time of the signature and defaults to Date.
	Date       time.Time
	ValidUntil time.Time
	SignedAt   time.Time
	// Hashes are the lists of the Release file; the default is SHA256.
	Hashes []string
	// Translations are descriptions in other languages: by language and package, a field's value as a file
	// has it.
	Translations map[string]map[string]string
	// ReleaseFields are added to the Release file, one "Name: value" each.
	ReleaseFields []string

	t       testing.TB
	options Options

	mu       sync.Mutex
	entries  []entry
	faults   []*Fault
	requests []Request

	published int // times
}

// entry is a package in the pool.
type entry struct {
	component string
	arch      string
	stanza    string
	files     []string // paths, of packages that were added as a Deb
}

// New makes an empty archive. It goes away with the test.
func New(t testing.TB, o Options) *Archive {
	t.Helper()
	setDefaults(&o)
	if o.Key == nil {
		o.Key = NewKey(t, KeyOptions{})
	}
	a := &Archive{Dir: t.TempDir(), Key: o.Key, t: t, options: o}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL + "/"
	return a
}

func setDefaults(o *Options) {
	if o.Suite == "" {
		o.Suite = "stable"
	}
	if o.Codename == "" {
		o.Codename = "test"
	}
	if len(o.Components) == 0 {
		o.Components = []string{"main"}
	}
	if len(o.Architectures) == 0 {
		o.Architectures = []string{"amd64"}
	}
	if len(o.Compressions) == 0 {
		o.Compressions = []Compression{XZ, Gzip, None}
	}
}

// Add builds packages into the pool. [Archive.Publish] makes them known.
func (a *Archive) Add(debs ...Deb) {
	a.t.Helper()
	for _, d := range debs {
		d = d.withDefaults()
		if d.Component == "" {
			d.Component = a.options.Components[0]
		}
		dir := path.Join("pool", d.Component, d.Package[:1], d.Package)
		a.AddFile(path.Join(dir, d.FileName()), d.Component, d.Architecture, d.ControlFile(), d.Build(a.t))
		a.mu.Lock()
		for _, f := range d.Files {
			if !f.Dir {
				a.entries[len(a.entries)-1].files = append(a.entries[len(a.entries)-1].files, f.Path)
			}
		}
		a.mu.Unlock()
	}
}

// AddFile puts a .deb into the pool that was not made by [Deb]: its path in the archive, its place,
// its control paragraph and its content.
func (a *Archive) AddFile(file, component, arch, control string, data []byte) {
	a.t.Helper()
	a.write(file, data)
	a.AddStanza(component, arch, strings.TrimSpace(control)+fmt.Sprintf("\nFilename: %s\nSize: %d\nSHA256: %x\n", file, len(data), sum("SHA256", data)))
}

// AddStanza puts an entry into the indexes, whether or not there is a file for it.
func (a *Archive) AddStanza(component, arch, stanza string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(a.entries, entry{component: component, arch: arch, stanza: stanza})
}

// Withdraw drops a package from the indexes that [Archive.Publish] writes, and its file from the
// pool, as an archive does when a new version supersedes it.
func (a *Archive) Withdraw(name, version string) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, e := range a.entries {
		if strings.HasPrefix(e.stanza, "Package: "+name+"\n") && strings.Contains(e.stanza, "\nVersion: "+version+"\n") {
			require.NoError(a.t, os.Remove(filepath.Join(a.Dir, field(e.stanza, "Filename"))))
			a.entries = append(a.entries[:i], a.entries[i+1:]...)
			return
		}
	}
	a.t.Fatalf("no package %s %s in the archive", name, version)
}

// Source returns the entry for the archive on the server, with its key.
func (a *Archive) Source() source.Source { return a.source(a.URL) }

// FileSource returns the entry for the archive on disk, with its key.
func (a *Archive) FileSource() source.Source { return a.source("file:" + a.Dir + "/") }

func (a *Archive) source(uri string) source.Source {
	s := source.Source{
		Types: []string{"deb"}, URIs: []string{uri}, Suites: []string{a.options.Suite}, Components: a.options.Components,
		SignedBy: source.SignedBy{Key: a.Key.Armored(a.t)},
	}
	if a.options.Flat {
		s.Suites, s.Components = []string{"./"}, nil
	}
	return s
}

// PoolFile returns the path below Dir of the .deb of a package.
func (a *Archive) PoolFile(name string) string {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.entries {
		if strings.HasPrefix(e.stanza, "Package: "+name+"\n") {
			return field(e.stanza, "Filename")
		}
	}
	a.t.Fatalf("no package %s in the archive", name)
	return ""
}

// Corrupt changes one byte in the middle of every file that pattern matches below Dir, see
// [filepath.Glob].
func (a *Archive) Corrupt(pattern string) {
	a.t.Helper()
	for _, file := range a.glob(pattern) {
		data, err := os.ReadFile(file)
		require.NoError(a.t, err)
		require.NotEmpty(a.t, data)
		data[len(data)/2] ^= 0xff
		require.NoError(a.t, os.Remove(file)) // the file by checksum may be a link to it
		require.NoError(a.t, os.WriteFile(file, data, 0o644))
	}
}

// Remove deletes every file that pattern matches below Dir.
func (a *Archive) Remove(pattern string) {
	a.t.Helper()
	for _, file := range a.glob(pattern) {
		require.NoError(a.t, os.Remove(file))
	}
}

func (a *Archive) glob(pattern string) []string {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(a.Dir, filepath.FromSlash(pattern)))
	require.NoError(a.t, err)
	require.NotEmpty(a.t, files, "no file matches %s", pattern)
	return files
}

func (a *Archive) write(name string, data []byte) {
	a.t.Helper()
	file := filepath.Join(a.Dir, filepath.FromSlash(name))
	require.NoError(a.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(a.t, os.WriteFile(file, data, 0o644))
}

func field(stanza, name string) string {
	_, rest, _ := strings.Cut(stanza, "\n"+name+": ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}
