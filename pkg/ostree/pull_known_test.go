package ostree_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// Two pulls of one commit into an empty repository end at nearly the same time.
func TestPullWhileAnotherPullPublishes(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	other := serve(t, src)
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL)
	second := ostreetest.Open(t, dst.Path())
	done := false
	server.answer(func(_ http.ResponseWriter, path string) bool {
		if strings.HasSuffix(path, ".filez") && !done {
			done = true
			opts := quick("main")
			opts.Fetch.URL = other.URL
			_, err := second.Pull(t.Context(), "origin", opts)
			if err != nil {
				t.Error(err)
			}
		}
		return false
	})
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	require.True(t, done)
	requireWhole(t, dst, c)
	requireNoLeftovers(t, dst)
}

// What the repository has is not asked for, whichever directories it lacks.
func TestPullOfASecondCommitAsksForNewObjectsOnly(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	tree := variety("one")
	ostreetest.Commit(t, src, "main", tree)
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL)
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	server.asked("")

	tree["etc/name"] = ostreetest.File("another name")
	c := ostreetest.Commit(t, src, "main", tree)
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	requireWhole(t, dst, c)
	var asked []string
	for _, path := range server.asked("objects/") {
		if !strings.HasSuffix(path, ".commitmeta") {
			asked = append(asked, path[strings.LastIndexByte(path, '.'):])
		}
	}
	require.ElementsMatch(t, []string{".commit", ".dirtree", ".dirtree", ".filez"}, asked)
}
