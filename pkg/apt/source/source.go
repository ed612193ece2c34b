package source

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Source is one entry of a list of sources. It stands for all combinations of its types, URIs,
// suites and components. Only URIs, Suites and, if the suites are not paths, Components have to be
// set.
type Source struct {
	// Types holds "deb" or "deb-src"; empty means "deb".
	Types []string
	// URIs are the bases of archives. "$(ARCH)" in them and in Suites stands for the architecture.
	URIs []string
	// Suites are suites or codenames, or paths that end in a slash: those of flat archives.
	Suites     []string
	Components []string

	// Architectures replaces the configured architectures; ArchitecturesAdd and
	// ArchitecturesRemove adjust them.
	Architectures       []string
	ArchitecturesAdd    []string
	ArchitecturesRemove []string

	// SignedBy restricts the keys that may have signed the release.
	SignedBy SignedBy
	// Trusted overrides the signature check: true accepts an archive without a valid signature,
	// false treats even a signed one as untrusted.
	Trusted *bool
	// CheckValidUntil and CheckDate switch the checks of the fields Valid-Until and Date off.
	CheckValidUntil *bool
	CheckDate       *bool
	// ValidUntilMin and ValidUntilMax bound how long a release is valid, counted from its Date.
	// DateMaxFuture is how far in the future a Date may lie. nil means the default.
	ValidUntilMin *time.Duration
	ValidUntilMax *time.Duration
	DateMaxFuture *time.Duration
	// AllowInsecure, AllowWeak and AllowDowngradeToInsecure are read so that they can be shown.
	// They are not acted upon: Trusted is the one way to do without signatures.
	AllowInsecure            *bool
	AllowWeak                *bool
	AllowDowngradeToInsecure *bool

	// ByHash says whether indexes are fetched by their checksums.
	ByHash ByHash
	// Include and Exclude name the packages taken from this source, or left out; at most one is set.
	Include []string
	Exclude []string
	// Snapshot is a timestamp or "enable", see the snapshots of sources.list(5).
	Snapshot string

	// Disabled keeps the entry in the list without using it: "Enabled: no".
	Disabled bool

	// Path and Line say where the entry was read, Unknown which of its options were not understood.
	// apt ignores those silently; a misspelt Signed-By is worth a warning.
	Path    string
	Line    int
	Unknown []string
}

// SignedBy is the value of the option Signed-By. The zero value stands for the keyrings in
// /etc/apt/trusted.gpg.d.
type SignedBy struct {
	Keyrings     []string // absolute paths of files with keys
	Fingerprints []string // upper-case hexadecimal; with a "!" at the end subkeys do not count
	Key          string   // an armoured public key
}

// IsZero reports whether no key is named.
func (s SignedBy) IsZero() bool {
	return len(s.Keyrings) == 0 && len(s.Fingerprints) == 0 && s.Key == ""
}

// ByHash is the value of the option By-Hash.
type ByHash string

// The values of By-Hash. The zero value means yes: if the release supports it.
const (
	ByHashYes   ByHash = "yes"
	ByHashNo    ByHash = "no"
	ByHashForce ByHash = "force"
)

// String names the entry in messages: "debian.sources:3", or what it points to if it was not read
// from a file.
func (s Source) String() string {
	if s.Path != "" {
		return s.Path + ":" + strconv.Itoa(s.Line)
	}
	return strings.Join(append(append(append([]string{"deb"}, s.URIs...), s.Suites...), s.Components...), " ")
}

// Check reports what makes an entry unusable.
func (s Source) Check() error {
	for _, t := range s.Types {
		if t != "deb" && t != "deb-src" {
			return fmt.Errorf("type %q is neither deb nor deb-src", t)
		}
	}
	if len(s.URIs) == 0 {
		return fmt.Errorf("no URIs")
	}
	if len(s.Suites) == 0 {
		return fmt.Errorf("no suites")
	}
	for _, uri := range s.URIs {
		if err := checkURI(uri); err != nil {
			return err
		}
	}
	for _, suite := range s.Suites {
		if flat := strings.HasSuffix(suite, "/"); flat && len(s.Components) > 0 {
			return fmt.Errorf("suite %q is a path, so no components may be given", suite)
		} else if !flat && len(s.Components) == 0 {
			return fmt.Errorf("no components for suite %q (a suite that is a path ends in a slash)", suite)
		}
	}
	if len(s.Include) > 0 && len(s.Exclude) > 0 {
		return fmt.Errorf("the options Include and Exclude exclude each other")
	}
	return nil
}

func checkURI(uri string) error {
	scheme, rest, found := strings.Cut(uri, ":")
	if !found || scheme == "" || rest == "" {
		return fmt.Errorf("%q is not a URI", uri)
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c == 0x7f {
			return fmt.Errorf("URI %q contains a blank or control character", uri)
		}
	}
	return nil
}
