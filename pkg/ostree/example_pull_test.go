package ostree_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Pull from a server. Any web server will do: the repository is served as it is.
func ExampleRepo_Pull() {
	ctx := context.Background()
	src, remove := exampleRepo(ostree.ModeArchive)
	defer remove()
	server := httptest.NewServer(http.FileServer(http.Dir(src.Path())))
	defer server.Close()

	dst, err := ostree.Init(filepath.Join(src.Path(), "..", "copy"), ostree.ModeBareUser, ostree.Options{NoSync: true})
	check(err)
	defer func() { check(dst.Close()) }()
	check(dst.AddRemote("origin", ostree.AddRemoteOptions{
		URL:     server.URL,
		Options: []ostree.RemoteOption{{Key: "gpg-verify", Value: "false"}}, // nobody has signed the example
	}))
	result, err := dst.Pull(ctx, "origin", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "os/amd64"}}})
	check(err)
	c, err := dst.Resolve(ctx, "origin:os/amd64")
	check(err)
	fmt.Printf("%d files, now at %.8s…\n", result.FetchedContent, c)
	// Output: 3 files, now at 1faed21e…
}

// Make a static delta, one file that takes a client from one commit to the next, and apply it.
func ExampleRepo_GenerateDelta() {
	ctx := context.Background()
	src, remove := exampleRepo(ostree.ModeArchive)
	defer remove()
	to, err := src.Resolve(ctx, "os/amd64")
	check(err)
	from, err := src.Resolve(ctx, "os/amd64^")
	check(err)

	file := filepath.Join(src.Path(), "..", "update.delta")
	_, err = src.GenerateDelta(ctx, from, to, ostree.DeltaOptions{File: file, Inline: true})
	check(err)

	dst, err := ostree.Init(filepath.Join(src.Path(), "..", "copy"), ostree.ModeBareUser, ostree.Options{NoSync: true})
	check(err)
	defer func() { check(dst.Close()) }()
	_, err = dst.PullLocal(ctx, src, ostree.PullOptions{Refs: []ostree.PullRef{{Commit: from}}})
	check(err)
	name, err := dst.ApplyDelta(ctx, file, ostree.ApplyDeltaOptions{})
	check(err)
	fmt.Printf("%.8s… to %.8s…\n", name.From, name.To)
	// Output: 9bf9b641… to 1faed21e…
}
