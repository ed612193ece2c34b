// Package oci carries OSTree commits in container images, and brings them back.
//
//	to, err := oci.ParseLocation("oci:/srv/images/host:latest")
//	exported, err := oci.Export(ctx, repo, commit, to, oci.ExportOptions{})
//
//	image, err := oci.Open(ctx, to, oci.Options{})
//	defer image.Close()
//	imported, err := image.Import(ctx, other, oci.ImportOptions{})
//	imported.Base // is commit
//
// The format is that of ostree-rs-ext, so that bootc and rpm-ostree read what
// [Export] writes and the other way round. The first layer holds the commit with
// its metadata objects, the others the file objects, in chunks: those of packages
// that change together lie together, so that an upgrade fetches little. Each
// layer is a repository of mode bare-split-xattrs below sysroot/ostree, and hard
// links to its objects where the files belong; a container runtime sees an
// ordinary root.
//
// Layers that follow those of the commit, as a build FROM such an image makes
// them, are plain file trees with whiteouts. Import puts them on top.
//
// What is imported is a merge commit with the image's manifest in its metadata.
// The refs that [ostree-rs-ext] uses keep it and each layer, so that the next
// import fetches only what is new.
//
// A location is an OCI layout in a directory (oci:), the same in one file
// (oci-archive:), or a registry (docker://). Only the last uses the network.
//
// The same commit and options always give the same image, whose digest names it.
// An image is not trusted: digests, checksums and names are checked before
// anything becomes part of a repository.
//
// [ostree-rs-ext]: https://docs.rs/ostree-ext
package oci
