package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Lockfile says which version of a package is to be used if it is installed at all. The form is that of
// rpm-ostree's lockfiles, with Debian's versions.
type Lockfile struct {
	// Packages are the versions by NAME, or NAME:ARCH for one of a foreign architecture.
	Packages map[string]LockedPackage `json:"packages"`
	// Metadata is for people and other tools.
	Metadata map[string]any `json:"metadata,omitempty"`
}

// LockedPackage is a version in a lockfile: one of EVRA and EVR must be there.
type LockedPackage struct {
	// EVRA is VERSION.ARCH, EVR the version alone, for any architecture.
	EVRA string `json:"evra,omitempty"`
	EVR  string `json:"evr,omitempty"`
	// Digest, if not empty, is "sha256:" and the hash of the .deb in hexadecimal.
	Digest   string         `json:"digest,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// LoadLockfiles reads lockfiles. What a later one says of a package replaces what an earlier one says.
func LoadLockfiles(paths ...string) (*Lockfile, error) {
	merged := &Lockfile{Packages: map[string]LockedPackage{}}
	for _, path := range paths {
		data, err := readBounded(path)
		if err != nil {
			return nil, fmt.Errorf("lockfile: %w", err)
		}
		one, err := ParseLockfile(data)
		if err != nil {
			return nil, fmt.Errorf("lockfile: %s: %w", path, err)
		}
		maps.Copy(merged.Packages, one.Packages)
	}
	return merged, nil
}

// ParseLockfile reads one lockfile. Unknown fields are errors, except in metadata: a digest that is
// misspelt would not be checked.
func ParseLockfile(data []byte) (*Lockfile, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var l Lockfile
	if err := dec.Decode(&l); err != nil {
		return nil, err
	}
	for name, p := range l.Packages {
		if _, err := newLock(name, p); err != nil {
			return nil, fmt.Errorf("package %q: %w", name, err)
		}
	}
	return &l, nil
}

// JSON is the text of a lockfile, sorted by name.
func (l *Lockfile) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(l, "", "  ")
	return append(text, '\n'), err
}

// Lockfile says what was chosen, so that another compose can choose the same.
func (p *Plan) Lockfile() *Lockfile {
	l := &Lockfile{Packages: map[string]LockedPackage{}, Metadata: map[string]any{"generated": p.now.UTC().Format(time.RFC3339)}}
	for _, pkg := range p.Packages {
		name := pkg.Name
		if pkg.Architecture != p.architecture && pkg.Architecture != "all" {
			name += ":" + pkg.Architecture
		}
		locked := LockedPackage{EVRA: pkg.Version + "." + pkg.Architecture}
		if pkg.SHA256 != "" {
			locked.Digest = "sha256:" + pkg.SHA256
		}
		l.Packages[name] = locked
	}
	return l
}

// lock is an entry of a lockfile, taken apart.
type lock struct {
	name         string
	architecture string // "" for any
	version      version.Version
	sha256       string // "" for any
}

var (
	lockName   = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?$`)
	lockEVRA   = regexp.MustCompile(`^(.+)\.([a-z0-9-]+)$`)
	lockDigest = regexp.MustCompile(`^sha256:([0-9a-f]{64})$`)
)

func newLock(name string, p LockedPackage) (l lock, err error) {
	if !lockName.MatchString(name) {
		return l, fmt.Errorf("the name is neither NAME nor NAME:ARCH")
	}
	text := p.EVR
	l.name, l.architecture, _ = strings.Cut(name, ":")
	switch {
	case (p.EVR == "") == (p.EVRA == ""):
		return l, fmt.Errorf("give either evra or evr")
	case p.EVRA != "":
		parts := lockEVRA.FindStringSubmatch(p.EVRA)
		if parts == nil {
			return l, fmt.Errorf("evra %q is not VERSION.ARCH", p.EVRA)
		}
		if l.architecture != "" && l.architecture != parts[2] {
			return l, fmt.Errorf("evra %q is of another architecture", p.EVRA)
		}
		text, l.architecture = parts[1], parts[2]
	}
	if l.version, err = version.Parse(text); err != nil {
		return l, err
	}
	if p.Digest != "" {
		parts := lockDigest.FindStringSubmatch(p.Digest)
		if parts == nil {
			return l, fmt.Errorf("digest %q is not sha256:HEX", p.Digest)
		}
		l.sha256 = parts[1]
	}
	return l, nil
}

// String returns NAME=VERSION, and NAME:ARCH=VERSION if there is an architecture.
func (l lock) String() string {
	if l.architecture == "" {
		return l.name + "=" + l.version.String()
	}
	return l.name + ":" + l.architecture + "=" + l.version.String()
}
