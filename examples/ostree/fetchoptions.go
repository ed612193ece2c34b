package main

import (
	"errors"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// fetchOptions are the options of commands that talk to a remote, with what the
// environment says about all of them.
func (e *env) fetchOptions(cacheDir string) ostree.FetchOptions {
	return ostree.FetchOptions{
		UserAgent:  "libostree/" + libostreeVersion,
		CacheDir:   cacheDir,
		StaleCache: e.staleCache(),
	}
}

// staleCache makes a summary from the cache that does not match its signature
// an error if $OSTREE_REPO_TEST_ERROR asks for it.
func (e *env) staleCache() func() error {
	if !strings.Contains(e.getenv("OSTREE_REPO_TEST_ERROR"), "invalid-cache") {
		return nil
	}
	return func() error { return errors.New("OSTREE_REPO_TEST_ERROR_INVALID_CACHE") }
}
