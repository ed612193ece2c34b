package oci

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Prune forgets the images in a repository whose commits are none of those to keep,
// and the layers that only such images have. What no ref keeps any more is removed by
// [ostree.Repo.Prune].
func Prune(ctx context.Context, repo *ostree.Repo, keep []ostree.Checksum) error {
	images, err := repo.Refs(ctx, imagePrefix)
	if err != nil {
		return err
	}
	var drop []ostree.Refspec
	for ref, c := range images {
		if !slices.Contains(keep, c) {
			drop = append(drop, ref)
		}
	}
	blobs, err := repo.Refs(ctx, blobPrefix)
	if err != nil {
		return err
	}
	needed, err := layersOf(ctx, repo, keep)
	if err != nil {
		return err
	}
	for ref := range blobs {
		if !needed[ref] {
			drop = append(drop, ref)
		}
	}
	if len(drop) == 0 {
		return nil
	}
	return repo.Update(ctx, func(w *ostree.Writer) error {
		for _, ref := range drop {
			if err := w.DeleteRef(ref); err != nil {
				return err
			}
		}
		return nil
	})
}

// layersOf are the refs of the layers of commits that were imported from images.
func layersOf(ctx context.Context, repo *ostree.Repo, commits []ostree.Checksum) (map[ostree.Refspec]bool, error) {
	needed := make(map[ostree.Refspec]bool)
	for _, c := range commits {
		commit, err := repo.LoadCommit(ctx, c)
		if err != nil {
			return nil, err
		}
		layers, err := manifestLayers(commit)
		if err != nil {
			return nil, err
		}
		for _, digest := range layers {
			needed[blobRef(digest)] = true
		}
	}
	return needed, nil
}

// manifestLayers reads the digests of the layers out of a merge commit; a commit that is
// none has no layers.
func manifestLayers(c *ostree.Commit) ([]string, error) {
	text := c.Metadata.Str(MetadataManifest)
	if text == "" {
		return nil, nil
	}
	m, err := v1.ParseManifest(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("metadata %s: %w", MetadataManifest, err)
	}
	digests := make([]string, len(m.Layers))
	for i, l := range m.Layers {
		digests[i] = l.Digest.String()
	}
	return digests, nil
}
