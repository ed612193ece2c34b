// Package composefs writes composefs images in pure Go.
//
// An image is an EROFS file system with all metadata of a tree and none of its
// content: every regular file says under which path the kernel finds its content,
// in a directory of objects that overlayfs is given as a data-only layer, and
// which fs-verity digest that must have. An image whose own digest is known thus
// vouches for the whole tree.
//
// [Write] makes an image of a tree of [Node]. It is, byte for byte, what
// libcomposefs makes of the same tree, since the digest of the image is what
// builders sign and OSTree keeps in commits (see
// https://github.com/composefs/composefs and, for the file system,
// https://erofs.docs.kernel.org/en/latest/core_ondisk.html). [FileDigest] computes
// the fs-verity digest of content, [Measure] asks the kernel for it, and [Enable]
// lets the kernel guard a file from then on.
package composefs
