package ostree

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// A Remote is a configured place to pull from, see ostree.repo-config(5),
// "[remote "NAME"]". It is a copy: changing it changes no configuration.
type Remote struct {
	Name string
	// URL is where the repository is: http, https or file, or "mirrorlist="
	// followed by the URL of a list of such. It may be empty if Metalink or
	// CustomBackend is set.
	URL string
	// ContentURL is where objects and deltas are, if not at URL.
	ContentURL string
	// Metalink is the URL of a metalink file that describes the summary.
	Metalink string
	// Branches are the refs that a pull without refs is about.
	Branches []string
	// CollectionID names the collection of refs that the remote holds.
	CollectionID string
	// Proxy is the URL of an HTTP proxy.
	Proxy string
	// UnconfiguredState says why nothing can be pulled, such as that a
	// subscription must be registered first.
	UnconfiguredState string
	// CustomBackend names the program that fetches from this remote; this package
	// cannot.
	CustomBackend string

	GPGVerify, GPGVerifySummary bool // gpg-verify, by default true; gpg-verify-summary

	TLSPermissive                      bool   // accept any certificate of the server
	TLSClientCert, TLSClientKey, TLSCA string // paths of PEM files
	HTTP2                              bool   // by default true

	// Path is the file that configures the remote. It is in another repository if
	// a parent has the remote.
	Path string

	options map[string]string
}

// Option returns a key of the remote's configuration, those without a meaning
// for this package included.
func (r *Remote) Option(key string) (string, bool) {
	value, ok := r.options[key]
	return value, ok
}

// Remote returns the remote of a name: one of this repository, of
// [Options.RemotesDir], or of a parent repository. A name without configuration
// gives a [*RemoteNotFoundError].
func (r *Repo) Remote(name string) (*Remote, error) {
	for repo := r; repo != nil; repo = repo.parent {
		entry, ok := repo.remoteEntry(name)
		if !ok {
			continue
		}
		remote, err := parseRemote(name, entry)
		if err != nil {
			return nil, fmt.Errorf("remote %s in %s: %w", name, entry.path, err)
		}
		return remote, nil
	}
	return nil, &RemoteNotFoundError{Remote: name, Path: r.path}
}

// Remotes lists the names of all remotes, those of parent repositories too,
// sorted.
func (r *Repo) Remotes() []string {
	var names []string
	for repo := r; repo != nil; repo = repo.parent {
		names = append(names, repo.remoteNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// remoteEntry is where the configuration of a remote stands.
type remoteEntry struct {
	file *keyfile.File
	path string
	dir  bool // it is a file of the directory of remotes
}

func remoteGroup(name string) string { return `remote "` + name + `"` }

// remoteOfGroup is the reverse of remoteGroup.
func remoteOfGroup(group string) (string, bool) {
	name, ok := strings.CutPrefix(group, `remote "`)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, `"`)
}

// remoteEntry finds a remote in the configuration or in the directory of
// remotes of this repository.
func (r *Repo) remoteEntry(name string) (remoteEntry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config.HasGroup(remoteGroup(name)) {
		return remoteEntry{file: r.config, path: filepath.Join(r.path, "config")}, true
	}
	entry, ok := r.remoteFiles[name]
	return entry, ok
}

func (r *Repo) remoteNames() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, group := range r.config.Groups() {
		if name, ok := remoteOfGroup(group); ok {
			names = append(names, name)
		}
	}
	for name := range r.remoteFiles {
		names = append(names, name)
	}
	return names
}

func parseRemote(name string, entry remoteEntry) (*Remote, error) {
	r := &Remote{Name: name, Path: entry.path, options: make(map[string]string)}
	group := remoteGroup(name)
	for _, key := range entry.file.Keys(group) {
		r.options[key], _ = entry.file.Get(group, key)
	}
	for key, field := range map[string]*string{
		"url": &r.URL, "contenturl": &r.ContentURL, "metalink": &r.Metalink, "collection-id": &r.CollectionID,
		"proxy": &r.Proxy, "unconfigured-state": &r.UnconfiguredState, "custom-backend": &r.CustomBackend,
		"tls-client-cert-path": &r.TLSClientCert, "tls-client-key-path": &r.TLSClientKey, "tls-ca-path": &r.TLSCA,
	} {
		*field = r.options[key]
	}
	r.GPGVerify, r.HTTP2 = true, true
	for key, field := range map[string]*bool{
		"gpg-verify": &r.GPGVerify, "gpg-verify-summary": &r.GPGVerifySummary,
		"tls-permissive": &r.TLSPermissive, "http2": &r.HTTP2,
	} {
		var err error
		if *field, err = entry.file.GetBool(group, key, *field); err != nil {
			return nil, err
		}
	}
	r.Branches, _ = entry.file.GetList(group, "branches")
	return r, nil
}

// A RemoteNotFoundError says that no remote of a name is configured.
type RemoteNotFoundError struct {
	Remote string
	Path   string // of the repository
}

// Error implements error.
func (e *RemoteNotFoundError) Error() string {
	return fmt.Sprintf("remote %s is not configured in repository %s", strconv.Quote(e.Remote), e.Path)
}
