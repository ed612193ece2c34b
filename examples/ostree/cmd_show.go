package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// showOptions are the options of show.
type showOptions struct {
	related, sizes, raw, noSwap, hex bool
	listKeys, listDetachedKeys       bool
	key, detachedKey, variantType    string
	gpgHome, gpgRemote               string
}

func cmdShow() *command {
	var o showOptions
	return &command{
		name: "show", operands: "OBJECT", summary: "Output a metadata object",
		flags: func(f *flags) {
			f.Bool(&o.related, "print-related", "", "Show the \"related\" commits")
			f.String(&o.variantType, "print-variant-type", "", "TYPE", "Memory map OBJECT (in this case a filename) to the GVariant type string")
			f.Bool(&o.listKeys, "list-metadata-keys", "", "List the available metadata keys")
			f.String(&o.key, "print-metadata-key", "", "KEY", "Print string value of metadata key")
			f.Bool(&o.hex, "print-hex", "", "For byte array valued keys, output an unquoted hexadecimal string")
			f.Bool(&o.listDetachedKeys, "list-detached-metadata-keys", "", "List the available detached metadata keys")
			f.String(&o.detachedKey, "print-detached-metadata-key", "", "KEY", "Print string value of detached metadata key")
			f.Bool(&o.sizes, "print-sizes", "", "Show the commit size metadata")
			f.Bool(&o.raw, "raw", "", "Show raw variant data")
			f.Bool(&o.noSwap, "no-byteswap", "B", "Do not automatically convert variant data from big endian")
			f.String(&o.gpgHome, "gpg-homedir", "", "HOMEDIR", "GPG Homedir to use when looking for keyrings")
			f.String(&o.gpgRemote, "gpg-verify-remote", "", "REMOTE", "Use REMOTE name for GPG configuration")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("An object argument is required")
			}
			return o.run(ctx, e, repo, args[0])
		},
	}
}

func (o *showOptions) run(ctx context.Context, e *env, repo *ostree.Repo, rev string) error {
	if o.variantType != "" {
		return o.printFileAs(e, rev)
	}
	if !o.listKeys && o.key == "" && !o.listDetachedKeys && o.detachedKey == "" && !o.related && !o.sizes {
		return o.object(ctx, e, repo, rev)
	}
	c, err := repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	commit, err := repo.LoadCommit(ctx, c)
	if err != nil {
		return err
	}
	switch {
	case o.listDetachedKeys || o.detachedKey != "":
		return o.detached(ctx, e, repo, c)
	case o.listKeys:
		printKeys(e, commit.Metadata)
	case o.key != "":
		v, ok := commit.Metadata.Lookup(o.key)
		if !ok {
			return fmt.Errorf("No such metadata key '%s'", o.key)
		}
		return o.value(e, v)
	case o.sizes:
		return printSizes(ctx, e, repo, commit)
	}
	// The list of related commits has never had an entry.
	return nil
}

// object prints whatever has the checksum, or the commit that a revision names.
func (o *showOptions) object(ctx context.Context, e *env, repo *ostree.Repo, rev string) error {
	c, err := ostree.ParseChecksum(rev)
	if err != nil {
		if c, err = repo.Resolve(ctx, rev); err != nil {
			return err
		}
		return o.metadata(ctx, e, repo, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})
	}
	for _, t := range []ostree.ObjectType{ostree.ObjectCommit, ostree.ObjectDirTree, ostree.ObjectDirMeta, ostree.ObjectTombstone} {
		name := ostree.ObjectName{Checksum: c, Type: t}
		ok, err := repo.Has(ctx, name)
		if err != nil {
			return err
		}
		if ok {
			return o.metadata(ctx, e, repo, name)
		}
	}
	fi, err := repo.FileInfo(ctx, c)
	if errors.Is(err, ostree.ErrObjectNotFound) {
		return fmt.Errorf("Couldn't find file object '%s'", c)
	}
	if err != nil {
		return err
	}
	printFile(e, c, fi)
	return nil
}

func (o *showOptions) metadata(ctx context.Context, e *env, repo *ostree.Repo, name ostree.ObjectName) error {
	if err := printObject(ctx, e, repo, name, o.raw, !o.noSwap); err != nil {
		return err
	}
	if name.Type != ostree.ObjectCommit {
		return nil
	}
	return e.printSignatures(ctx, repo, name.Checksum, o.gpgRemote, o.gpgHome)
}

func (o *showOptions) detached(ctx context.Context, e *env, repo *ostree.Repo, c ostree.Checksum) error {
	m, err := repo.DetachedMetadata(ctx, c)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("No detached metadata for commit %s", c)
	}
	if o.listDetachedKeys {
		printKeys(e, m)
		return nil
	}
	v, ok := m.Lookup(o.detachedKey)
	if !ok {
		return fmt.Errorf("No such metadata key '%s'", o.detachedKey)
	}
	return o.value(e, v)
}

func printKeys(e *env, m ostree.Metadata) {
	for _, key := range m.SortedKeys() {
		e.println(key)
	}
}

// value prints the value of a key. Hexadecimal are only arrays of bytes.
func (o *showOptions) value(e *env, v gvariant.Value) error {
	if !o.hex {
		printVariant(e, v, !o.noSwap)
		return nil
	}
	b, err := v.Bytes()
	if err != nil {
		return fmt.Errorf("Cannot print as hexadecimal: %w", err)
	}
	e.printf("%x\n", b)
	return nil
}

func (o *showOptions) printFileAs(e *env, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	v, err := gvariant.Parse(o.variantType, data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	printVariant(e, v, !o.noSwap)
	return nil
}

// printSizes tells how much of a commit is here, and how much is not.
func printSizes(ctx context.Context, e *env, repo *ostree.Repo, commit *ostree.Commit) error {
	sizes, err := commit.ObjectSizes()
	if errors.Is(err, ostree.ErrNoSizes) {
		return errors.New("No metadata key ostree.sizes in commit")
	}
	if err != nil {
		return err
	}
	var archived, unpacked, needArchived, needUnpacked uint64
	missing := 0
	for _, s := range sizes {
		archived += s.Archived
		unpacked += s.Unpacked
		ok, err := repo.Has(ctx, s.Object)
		if err != nil {
			return err
		}
		if !ok {
			missing++
			needArchived += s.Archived
			needUnpacked += s.Unpacked
		}
	}
	e.printf("Compressed size (needed/total): %s/%s\n", formatSize(needArchived), formatSize(archived))
	e.printf("Unpacked size (needed/total): %s/%s\n", formatSize(needUnpacked), formatSize(unpacked))
	e.printf("Number of objects (needed/total): %d/%d\n", missing, len(sizes))
	return nil
}
