package oci

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// Metadata of a merge commit, as ostree-rs-ext writes and reads it.
const (
	MetadataManifestDigest = "ostree.manifest-digest"        // s
	MetadataManifest       = "ostree.manifest"               // s, JSON
	MetadataImageConfig    = "ostree.container.image-config" // s, JSON
	metadataImporter       = "ostree.importer.version"       // s
)

// ImageMetadata are the keys of a merge commit's metadata that describe the image.
func ImageMetadata() []string {
	return []string{MetadataManifestDigest, MetadataManifest, MetadataImageConfig, metadataImporter, "ostree.tar-filtered"}
}

// importerVersion tells who made a merge commit. It is part of the commit's checksum, so
// it changes only when the rules of merging do.
const importerVersion = "apt-ostree 1"

// opaqueMarker hides everything that the layers below have in a directory.
const opaqueMarker = whiteoutPrefix + whiteoutPrefix + ".opq"

var epoch = time.Unix(0, 0)

// ImageDigest is the digest of the image that a commit was imported from; "" if it was
// not imported from one.
func ImageDigest(c *ostree.Commit) string { return c.Metadata.Str(MetadataManifestDigest) }

// merge puts the layers together and sets the ref of the image.
func (r *importer) merge(ctx context.Context) (merged ostree.Checksum, err error) {
	err = r.repo.Update(ctx, func(w *ostree.Writer) error {
		base, err := w.LoadCommit(ctx, r.commits[0])
		if err != nil {
			return err
		}
		commit := ostree.Commit{Metadata: r.metadata(base), Tree: base.Tree, Timestamp: r.image.Created()}
		if commit.Timestamp.Unix() <= 0 {
			commit.Timestamp = base.Timestamp
		}
		if r.own < len(r.commits) {
			if commit.Tree, err = r.mergeTrees(ctx, w, base.Tree); err != nil {
				return err
			}
		}
		if merged, err = w.WriteCommit(ctx, commit); err != nil || r.opts.NoRef {
			return err
		}
		target := r.opts.Target
		if target == (Location{}) {
			target = r.image.Location
		}
		return w.SetRef(ImageRef(target), merged)
	})
	return merged, err
}

// metadata is that of the commit in the image, which says how the system was made, and
// that of the image. What binds a commit to its refs or its tree does not go along.
func (r *importer) metadata(base *ostree.Commit) ostree.Metadata {
	m := append(ostree.Metadata(nil), base.Metadata...)
	m.Delete(ostree.MetadataRefBinding)
	m.Delete(ostree.MetadataCollectionBinding)
	if r.own < len(r.commits) {
		m.Delete(ostree.MetadataComposefs)
	}
	m.Set(MetadataManifestDigest, gvariant.String(r.image.Digest))
	m.Set(MetadataManifest, gvariant.String(string(r.image.manifestText)))
	m.Set(MetadataImageConfig, gvariant.String(string(r.image.configText)))
	m.Set(metadataImporter, gvariant.String(importerVersion))
	if version := r.image.Version(); version != "" {
		m.Set(ostree.MetadataVersion, gvariant.String(version))
	}
	return m
}

// mergeTrees puts the trees of the derived layers on top of that of the commit.
func (r *importer) mergeTrees(ctx context.Context, w *ostree.Writer, base ostree.TreeID) (ostree.TreeID, error) {
	tree, err := w.LoadTree(ctx, base)
	if err != nil {
		return base, err
	}
	for _, c := range r.commits[r.own:] {
		layer, err := w.LoadCommit(ctx, c)
		if err != nil {
			return base, err
		}
		upper, err := w.LoadTree(ctx, layer.Tree)
		if err != nil {
			return base, err
		}
		if err := mergeDir(tree, upper, ""); err != nil {
			return base, err
		}
	}
	if tree, err = r.relabel(ctx, w, base, tree); err != nil {
		return base, err
	}
	return w.WriteTree(ctx, tree)
}

// mergeDir applies a directory of a layer. Whiteouts come first, whatever their place:
// they are about the layers below.
func mergeDir(lower, upper *ostree.Tree, at string) error {
	entries, err := upper.ReadDir(at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := whiteout(lower, at, e); err != nil {
			return err
		}
	}
	for _, e := range entries {
		name := path.Join(at, e.Name)
		switch {
		case strings.HasPrefix(e.Name, whiteoutPrefix):
			continue
		case !e.Dir:
			if err := setFile(lower, name, e.File); err != nil {
				return err
			}
			continue
		}
		if err := setDir(lower, name, e.Meta); err != nil {
			return err
		}
		if err := mergeDir(lower, upper, name); err != nil {
			return err
		}
	}
	return nil
}

// whiteout removes what a whiteout names.
func whiteout(lower *ostree.Tree, at string, e ostree.Entry) error {
	if e.Dir || !strings.HasPrefix(e.Name, whiteoutPrefix) {
		return nil
	}
	if e.Name != opaqueMarker {
		hidden, err := hiddenName(e.Name)
		if err != nil {
			return err
		}
		return removeIfThere(lower, path.Join(at, hidden))
	}
	below, err := lower.ReadDir(at)
	if err != nil {
		return err
	}
	for _, old := range below {
		if err := lower.Remove(path.Join(at, old.Name)); err != nil {
			return err
		}
	}
	return nil
}

// hiddenName is the name that a whiteout removes.
func hiddenName(name string) (string, error) {
	hidden := strings.TrimPrefix(name, whiteoutPrefix)
	if hidden == "" || hidden == "." || hidden == ".." {
		return "", fmt.Errorf("%q is a whiteout of no name", name)
	}
	return hidden, nil
}

func removeIfThere(t *ostree.Tree, name string) error {
	if !t.Exists(name) {
		return nil
	}
	return t.Remove(name)
}

// relabel gives all files of a merged tree the labels of the base's SELinux policy: what
// a container build makes has none. A system without a policy stays as it is.
func (r *importer) relabel(ctx context.Context, w *ostree.Writer, base ostree.TreeID, merged *ostree.Tree) (*ostree.Tree, error) {
	view, err := r.repo.FSTree(ctx, base)
	if err != nil {
		return nil, err
	}
	policy, err := selinux.Read(view)
	if errors.Is(err, selinux.ErrNoPolicy) {
		return merged, nil
	}
	if err != nil {
		return nil, err
	}
	labelled := ostree.NewTree(plainDir)
	return labelled, w.AddTree(ctx, labelled, "/", merged, ostree.AddOptions{Labels: policy.WithUsrEtc()})
}
