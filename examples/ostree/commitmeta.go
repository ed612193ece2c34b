package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// commitMetaFlags are the options of commit about metadata.
type commitMetaFlags struct {
	noBindings      bool
	bindRefs        []string
	strings         ostree.Metadata
	variants        ostree.Metadata
	keep            []string
	detached        ostree.Metadata
	bootable, sizes bool
	composefs       bool
}

func (o *commitMetaFlags) add(f *flags) {
	f.Bool(&o.noBindings, "no-bindings", "", "Do not write any ref bindings")
	f.Strings(&o.bindRefs, "bind-ref", "", "BRANCH", "Add a ref to ref binding commit metadata")
	f.Func(metadataString(&o.strings), "add-metadata-string", "", "KEY=VALUE", "Add a key/value pair to metadata")
	f.Func(metadataText(&o.variants), "add-metadata", "", "KEY=VALUE",
		"Add a key/value pair to metadata, where the KEY is a string, and VALUE is in GVariant Text Format")
	f.Strings(&o.keep, "keep-metadata", "", "KEY", "Keep metadata KEY and its associated VALUE from parent")
	f.Func(metadataString(&o.detached), "add-detached-metadata-string", "", "KEY=VALUE", "Add a key/value pair to detached metadata")
	f.Bool(&o.bootable, "bootable", "", "Flag this commit as a bootable OSTree (e.g. contains a Linux kernel)")
	f.Bool(&o.composefs, "generate-composefs-metadata", "", "Generate composefs commit metadata")
	f.Bool(&o.sizes, "generate-sizes", "", "Generate size information along with commit metadata")
}

// metadataString reads options of the form KEY=VALUE with a string as value.
func metadataString(m *ostree.Metadata) func(string) error {
	return func(text string) error {
		key, value, err := splitMetadata(text)
		if err != nil {
			return err
		}
		setNew(m, key, gvariant.String(value))
		return nil
	}
}

// metadataText is the same with a value in GVariant's text format.
func metadataText(m *ostree.Metadata) func(string) error {
	return func(text string) error {
		key, value, err := splitMetadata(text)
		if err != nil {
			return err
		}
		v, err := gvariant.ParseText("", value)
		if err != nil {
			return fmt.Errorf("Parsing %s: %w", text, err)
		}
		setNew(m, key, v)
		return nil
	}
}

func splitMetadata(text string) (key, value string, err error) {
	key, value, ok := strings.Cut(text, "=")
	switch {
	case !ok:
		return "", "", fmt.Errorf("Missing '=' in KEY=VALUE metadata '%s'", text)
	case key == "":
		return "", "", errors.New("Empty metadata key")
	}
	return key, value, nil
}

// setNew adds a key unless it is there: of several values the first is what
// readers of the peer's metadata find.
func setNew(m *ostree.Metadata, key string, value gvariant.Value) {
	if _, ok := m.Lookup(key); !ok {
		m.Set(key, value)
	}
}

// fill adds the metadata that do not depend on the tree. The order is that of
// the peer, since it is part of the checksum.
func (o *commitMetaFlags) fill(ctx context.Context, repo *ostree.Repo, commit *ostree.Commit, c *commitFlags) error {
	m := &commit.Metadata
	for _, e := range slices.Concat(o.strings, o.variants) {
		setNew(m, e.Key, e.Value)
	}
	if err := o.fillKept(ctx, repo, commit); err != nil {
		return err
	}
	if o.noBindings {
		return nil
	}
	refs := o.bindRefs
	if !c.orphan {
		refs = append(refs, c.branch)
	}
	slices.Sort(refs)
	setNew(m, ostree.MetadataRefBinding, gvariant.Strings(refs))
	if id := repo.CollectionID(); id != "" {
		setNew(m, ostree.MetadataCollectionBinding, gvariant.String(id))
	}
	return nil
}

// fillKept copies metadata of the parent.
func (o *commitMetaFlags) fillKept(ctx context.Context, repo *ostree.Repo, commit *ostree.Commit) error {
	if len(o.keep) == 0 {
		return nil
	}
	if commit.Parent.IsZero() {
		return errors.New("Either --branch or --parent must be specified when using --keep-metadata")
	}
	parent, err := repo.LoadCommit(ctx, commit.Parent)
	if err != nil {
		return err
	}
	for _, key := range o.keep {
		value, ok := parent.Metadata.Lookup(key)
		if !ok {
			return fmt.Errorf("Missing metadata key '%s' from commit '%s'", key, commit.Parent)
		}
		setNew(&commit.Metadata, key, value)
	}
	return nil
}

// complete adds the metadata that depend on the tree.
func (o *commitMetaFlags) complete(ctx context.Context, w *ostree.Writer, tree *ostree.Tree, commit *ostree.Commit) error {
	if o.bootable {
		version, err := tree.KernelVersion()
		if err != nil {
			return err
		}
		commit.Metadata.SetBootable(version)
	}
	if o.composefs {
		digest, err := w.Composefs(ctx, commit.Tree, io.Discard, ostree.ComposefsOptions{})
		if err != nil {
			return err
		}
		commit.Metadata.SetComposefs(digest)
	}
	if o.sizes && w.Mode() == ostree.ModeArchive {
		sizes, err := w.Sizes(ctx, commit.Tree)
		if err != nil {
			return err
		}
		commit.Metadata.Set(ostree.MetadataSizes, sizes)
	}
	return nil
}
