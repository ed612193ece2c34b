// Package container makes container images of Debian systems: it knows which files of a
// commit belong to which package, and how often packages change, and so which of them share
// a layer. The format of images is that of [oci].
//
//	to, err := oci.ParseLocation("docker://registry.example/os:stable")
//	exported, err := container.Encapsulate(ctx, repo, commit, to, oci.ExportOptions{})
package container
