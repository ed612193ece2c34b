package ostree_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// A pullServer offers a repository over HTTP and remembers what was asked for.
type pullServer struct {
	*httptest.Server

	mu       sync.Mutex
	requests []string
	// instead, if set, may answer a request itself, and returns whether it did.
	instead func(w http.ResponseWriter, path string) bool
}

func serve(t *testing.T, r *ostree.Repo) *pullServer {
	t.Helper()
	s := &pullServer{}
	files := http.FileServer(http.Dir(r.Path()))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !s.take(w, req.URL.Path[1:]) {
			files.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// take remembers a request and lets instead answer it, one at a time.
func (s *pullServer) take(w http.ResponseWriter, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, path)
	return s.instead != nil && s.instead(w, path)
}

// asked returns the requests since the last call whose paths contain a text.
func (s *pullServer) asked(part string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, path := range s.requests {
		if strings.Contains(path, part) {
			found = append(found, path)
		}
	}
	s.requests = nil
	return found
}

func (s *pullServer) answer(instead func(w http.ResponseWriter, path string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = instead
}

// addRemote configures a remote without signatures, and what else is given.
func addRemote(t *testing.T, r *ostree.Repo, url string, options ...ostree.RemoteOption) {
	t.Helper()
	options = append([]ostree.RemoteOption{{Key: "gpg-verify", Value: "false"}}, options...)
	require.NoError(t, r.AddRemote("origin", ostree.AddRemoteOptions{URL: url, Options: options, Replace: true}))
}

// pullClient makes a repository with a remote.
func pullClient(t *testing.T, mode ostree.Mode, url string, options ...ostree.RemoteOption) *ostree.Repo {
	t.Helper()
	r := ostreetest.Repo(t, mode)
	addRemote(t, r, url, options...)
	return r
}

// quick asks for refs of a test server, which is not worth waiting for.
func quick(refs ...string) ostree.PullOptions {
	opts := ostree.PullOptions{Fetch: ostree.FetchOptions{Retries: -1}}
	for _, ref := range refs {
		opts.Refs = append(opts.Refs, ostree.PullRef{Ref: ref})
	}
	return opts
}

// commitChanged commits a tree with changes to the commit.
func commitChanged(t *testing.T, r *ostree.Repo, ref string, tree ostreetest.Tree, change func(*ostree.Commit)) ostree.Checksum {
	t.Helper()
	var c ostree.Checksum
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		built, err := ostreetest.Build(t.Context(), w, tree)
		if err != nil {
			return err
		}
		commit := ostree.Commit{Subject: "test", Timestamp: ostreetest.Timestamp()}
		if commit.Tree, err = w.WriteTree(t.Context(), built); err != nil {
			return err
		}
		change(&commit)
		if c, err = w.WriteCommit(t.Context(), commit); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
	return c
}

func objectNames(t *testing.T, r *ostree.Repo, end string) []string {
	t.Helper()
	return slices.DeleteFunc(objectsOf(t, r), func(name string) bool { return !strings.HasSuffix(name, end) })
}

func resolve(t *testing.T, r *ostree.Repo, rev string) ostree.Checksum {
	t.Helper()
	c, err := r.Resolve(t.Context(), rev)
	require.NoError(t, err)
	return c
}

// requireWhole checks that a repository has all of a commit.
func requireWhole(t *testing.T, r *ostree.Repo, c ostree.Checksum) {
	t.Helper()
	state, err := r.CommitState(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, ostree.CommitComplete, state)
	_, err = r.Fsck(context.WithoutCancel(t.Context()), ostree.FsckOptions{})
	require.NoError(t, err)
}

// variety is a tree with several of everything that a pull has to do with.
func variety(n string) ostreetest.Tree {
	tree := ostreetest.Tree{
		"etc/name":        ostreetest.File("name of " + n),
		"usr/bin/tool":    {Content: "#!/bin/sh\n", Mode: 0o100755},
		"usr/bin/alias":   ostreetest.Link("tool"),
		"usr/empty":       ostreetest.File(""),
		"usr/lib/a/b/c/d": ostreetest.File("deep"),
		"usr/large":       ostreetest.File(strings.Repeat("0123456789abcdef"+n, 20000)),
		"var":             ostreetest.Dir(),
	}
	for _, name := range []string{"one", "two", "three"} {
		tree["usr/share/"+name] = ostreetest.File(name)
		tree["opt/"+name] = ostreetest.File(name) // the same objects again
	}
	return maps.Clone(tree)
}
