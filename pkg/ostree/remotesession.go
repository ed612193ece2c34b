package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// A remoteSession is an open connection to a remote.
type remoteSession struct {
	remote  *Remote
	opts    FetchOptions
	client  *fetch.Client
	meta    *fetch.Target // refs, summary, configuration, what is attached to commits
	content *fetch.Target // objects and deltas
	summary []byte        // that a metalink described, or nil
}

const mirrorlistPrefix = "mirrorlist="

// openRemote finds out where the remote is. The session must be closed.
func (r *Repo) openRemote(ctx context.Context, remote *Remote, o FetchOptions) (*remoteSession, error) {
	client, err := r.newFetchClient(remote, o)
	if err != nil {
		return nil, err
	}
	s := &remoteSession{remote: remote, opts: o, client: client}
	if err := s.locate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close lets the connections go.
func (s *remoteSession) Close() { s.client.Close() }

func (r *Repo) newFetchClient(remote *Remote, o FetchOptions) (*fetch.Client, error) {
	jar, err := r.cookieJar(remote.Name)
	if err != nil {
		return nil, err
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	return fetch.New(fetch.Options{
		UserAgent: o.UserAgent,
		Header:    o.Header,
		Proxy:     remote.Proxy,
		ProxyFor:  r.opts.Proxy,
		TLS: fetch.TLSOptions{
			Permissive: remote.TLSPermissive,
			CAFile:     remote.TLSCA,
			CertFile:   remote.TLSClientCert,
			KeyFile:    remote.TLSClientKey,
		},
		Jar:          jar,
		HTTP1:        !remote.HTTP2,
		Retries:      o.Retries,
		MaxRequests:  o.MaxRequests,
		LowSpeed:     o.LowSpeed,
		LowSpeedTime: o.LowSpeedTime,
	})
}

// locate sets the targets. A URL in the options replaces all that the
// configuration says, and a metalink replaces the other keys.
func (s *remoteSession) locate(ctx context.Context) error {
	at, contentAt := s.remote.URL, s.remote.ContentURL
	switch {
	case s.opts.URL != "":
		at, contentAt = s.opts.URL, ""
	case s.remote.Metalink != "":
		return s.locateByMetalink(ctx)
	case at == "":
		return &NoRemoteURLError{Remote: s.remote.Name}
	}
	var err error
	if s.meta, err = s.target(ctx, at); err != nil {
		return err
	}
	s.content = s.meta
	if contentAt != "" {
		s.content, err = s.target(ctx, contentAt)
	}
	return err
}

func (s *remoteSession) target(ctx context.Context, at string) (*fetch.Target, error) {
	list, isList := strings.CutPrefix(at, mirrorlistPrefix)
	u, err := fetch.ParseURL(list)
	if err != nil {
		return nil, err
	}
	if isList {
		return s.client.Mirrorlist(ctx, u)
	}
	return s.client.NewTarget(u), nil
}

func (s *remoteSession) locateByMetalink(ctx context.Context) error {
	u, err := fetch.ParseURL(s.remote.Metalink)
	if err != nil {
		return err
	}
	s.summary, s.meta, err = s.client.Metalink(ctx, u, summaryFile)
	s.content = s.meta
	return err
}

// isLocal returns the directory of a remote on this machine.
func (r *Remote) isLocal() (string, bool) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return "", false
	}
	return u.Path, true
}

// remoteSettings is what a pull must know of the configuration of the remote.
type remoteSettings struct {
	mode          Mode
	tombstones    bool
	indexedDeltas bool
}

const maxConfigSize = 1 << 20

// settings reads the file "config" of the remote.
func (s *remoteSession) settings(ctx context.Context) (remoteSettings, error) {
	var settings remoteSettings
	data, _, err := s.meta.ReadAll(ctx, "config", fetch.GetOptions{MaxSize: maxConfigSize})
	if err != nil {
		return settings, err
	}
	f, err := keyfile.Parse(data)
	if err == nil {
		settings.mode, err = ParseMode(f.GetDefault("core", "mode", "bare"))
	}
	if err == nil {
		settings.tombstones, err = f.GetBool("core", "tombstone-commits", false)
	}
	if err == nil {
		settings.indexedDeltas, err = f.GetBool("core", "indexed-deltas", false)
	}
	if err != nil {
		return settings, &CorruptError{What: "configuration at " + s.meta.URL("config"), Err: err}
	}
	return settings, nil
}

// pullable says why a remote is not one that this package pulls from.
func (r *Remote) pullable() error {
	switch {
	case r.UnconfiguredState != "":
		return &UnconfiguredError{Remote: r.Name, State: r.UnconfiguredState}
	case r.CustomBackend != "":
		return &CustomBackendError{Remote: r.Name, Backend: r.CustomBackend}
	}
	return nil
}

// An UnconfiguredError says that a remote cannot be used before somebody has
// done something.
type UnconfiguredError struct {
	Remote string
	State  string // what the configuration says about it
}

// Error implements error.
func (e *UnconfiguredError) Error() string {
	return fmt.Sprintf("remote %q cannot be used yet: %s", e.Remote, e.State)
}

// A CustomBackendError says that another program fetches from a remote.
type CustomBackendError struct{ Remote, Backend string }

// Error implements error.
func (e *CustomBackendError) Error() string {
	return fmt.Sprintf("remote %q is one for %q, not for this program", e.Remote, e.Backend)
}

// A NoRemoteURLError says that the configuration of a remote does not say where
// it is.
type NoRemoteURLError struct{ Remote string }

// Error implements error.
func (e *NoRemoteURLError) Error() string {
	return fmt.Sprintf("remote %q has no url", e.Remote)
}

// cookieJar reads the cookies of a remote.
func (r *Repo) cookieJar(remote string) (*fetch.Jar, error) {
	if !isFragment(remote) {
		return nil, nil //nolint:nilnil // a jar may be nil
	}
	data, err := os.ReadFile(filepath.Join(r.path, cookieFile(remote)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, fmt.Errorf("cookies of remote %q: %w", remote, err)
	}
	return fetch.ParseJar(data), nil
}
