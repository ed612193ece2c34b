package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// printObject prints an object like show does: its type and checksum, then the
// whole value if raw, else what a person wants to know of a commit.
func printObject(ctx context.Context, e *env, repo *ostree.Repo, name ostree.ObjectName, raw, swap bool) error {
	e.printf("%s %s\n", name.Type, name.Checksum)
	if raw || name.Type != ostree.ObjectCommit {
		if !raw {
			return nil
		}
		v, err := repo.LoadVariant(ctx, name)
		if err != nil {
			return err
		}
		printVariant(e, v, swap)
		return nil
	}
	commit, err := repo.LoadCommit(ctx, name.Checksum)
	if err != nil {
		return err
	}
	printCommit(e, commit)
	return nil
}

// printVariant prints a value. Swapped, the numbers of OSTree's formats, which
// are big-endian, read as what they mean.
func printVariant(e *env, v gvariant.Value, swap bool) {
	if swap {
		v = v.Byteswap()
	}
	e.println(v.Text())
}

func printCommit(e *env, c *ostree.Commit) {
	if !c.Parent.IsZero() {
		e.printf("Parent:  %s\n", c.Parent)
	}
	sum := sha256.Sum256(append(c.Tree.Contents[:], c.Tree.Meta[:]...))
	e.printf("ContentChecksum:  %s\n", hex.EncodeToString(sum[:]))
	e.printf("Date:  %s\n", formatTime(c.Timestamp))
	if version := c.Metadata.Str(ostree.MetadataVersion); version != "" {
		e.printf("Version: %s\n", version)
	}
	if c.Subject == "" {
		e.println("(no subject)")
	} else {
		e.println()
		printIndented(e, c.Subject)
	}
	if c.Body != "" {
		e.println()
		printIndented(e, c.Body)
	}
	e.println()
}

func printIndented(e *env, text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		e.printf("    %s\n", line)
	}
}

// printFile describes a file object.
func printFile(e *env, c ostree.Checksum, fi ostree.FileInfo) {
	kind := "regular"
	if fi.IsSymlink() {
		kind = "symlink"
	}
	e.printf("Object: %s\nType: file\nFile Type: %s\n", c, kind)
	if fi.IsSymlink() {
		e.printf("Target: %s\n", fi.Target)
	} else {
		e.printf("Size: %d\n", fi.Size)
	}
	e.printf("Mode: 0%04o\nUid: %d\nGid: %d\nExtended Attributes: { %s }\n", fi.Mode, fi.UID, fi.GID, xattrsText(fi.Xattrs))
}

// xattrsText writes attributes like the a(ayay) that they are stored as.
func xattrsText(xattrs []ostree.Xattr) string {
	entries := make([]gvariant.Value, len(xattrs))
	for i, x := range xattrs {
		entries[i] = gvariant.Tuple(gvariant.Bytes(append([]byte(x.Name), 0)), gvariant.Bytes(x.Value))
	}
	return gvariant.Array("(ayay)", entries...).Text()
}
