package ostree_test

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// Tell clients what is in a repository.
func ExampleRepo_UpdateSummary() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	check(repo.UpdateSummary(ctx, ostree.SummaryOptions{}))
	summary, _, err := repo.Summary(ctx)
	check(err)
	for _, ref := range summary.Refs {
		fmt.Println(ref.Ref, ref.Timestamp().Format("2006-01-02"))
	}
	// Output: os/amd64 2023-11-14
}

// Copy a ref into another repository on the same machine.
func ExampleRepo_PullLocal() {
	ctx := context.Background()
	src, remove := exampleRepo(ostree.ModeArchive)
	defer remove()
	dst, err := ostree.Init(filepath.Join(src.Path(), "..", "copy"), ostree.ModeBareUser, ostree.Options{NoSync: true})
	check(err)
	defer func() { check(dst.Close()) }()

	result, err := dst.PullLocal(ctx, src, ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "os/amd64"}}})
	check(err)
	fmt.Println(result.ImportedMetadata, "metadata objects and", result.ImportedContent, "files")
	// Output: 6 metadata objects and 3 files
}

// Put a ref on a USB stick, from where a machine without a network can pull it.
func ExampleRepo_CreateUSB() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeBareUser)
	defer remove()
	mountPoint := filepath.Dir(repo.Path())

	// A ref is found by its collection: what all copies of one publisher's refs have in common.
	ref := ostree.CollectionRef{Collection: "org.example.OS", Ref: "os/amd64"}
	check(repo.Update(ctx, func(w *ostree.Writer) error {
		c, err := repo.Resolve(ctx, ref.Ref)
		if err != nil {
			return err
		}
		return w.SetCollectionRef(ref, c)
	}))
	_, err := repo.CreateUSB(ctx, mountPoint, []ostree.PullRef{{Collection: ref.Collection, Ref: ref.Ref}}, ostree.USBOptions{})
	check(err)

	usb, err := ostree.Open(filepath.Join(mountPoint, ".ostree/repo"), ostree.Options{})
	check(err)
	defer func() { check(usb.Close()) }()
	refs, err := usb.CollectionRefs(ctx, "", ostree.CollectionRefsOptions{})
	check(err)
	for ref := range refs {
		fmt.Println(ref)
	}
	// Output: (org.example.OS, os/amd64)
}

// Sign a commit, and check it with the public half of the key.
func ExampleWriter_SignCommit() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()
	c, err := repo.Resolve(ctx, "os/amd64")
	check(err)

	// A secret key is the seed and the public key, a public key is the latter; both are base64. This pair
	// is that of RFC 8032, section 7.1, test 1.
	const public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	signer, err := sign.NewSigner(sign.Ed25519, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==", sign.Options{})
	check(err)
	check(repo.Update(ctx, func(w *ostree.Writer) error { return w.SignCommit(ctx, c, signer) }))

	key, err := sign.ParsePublicKey(sign.Ed25519, public)
	check(err)
	verifier, err := sign.NewVerifier(sign.Ed25519, sign.Keys{Trusted: [][]byte{key}}, sign.Options{})
	check(err)
	results, err := repo.VerifyCommit(ctx, c, &ostree.Verification{All: []sign.Verifier{verifier}})
	check(err)
	fmt.Println(results[0])
	// Output: ed25519: Signature verified successfully with key 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
}
