package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Document is the compose JSON: rpm-ostree's keys, with our name for the input hash.
func Document(ctx context.Context, repo *ostree.Repo, r *Result) ([]byte, error) {
	commit, err := repo.LoadCommit(ctx, r.Commit)
	if err != nil {
		return nil, err
	}
	content := sha256.New()
	content.Write(commit.Tree.Contents[:])
	content.Write(commit.Tree.Meta[:])
	doc := map[string]any{
		"ostree-commit":                r.Commit.String(),
		"ostree-content-checksum":      hex.EncodeToString(content.Sum(nil)),
		"ostree-version":               commit.Metadata.Str(ostree.MetadataVersion),
		"ostree-timestamp":             commit.Timestamp.UTC().Format("2006-01-02T15:04:05Z"),
		"ostree-n-metadata-total":      r.Stats.MetadataTotal,
		"ostree-n-metadata-written":    r.Stats.MetadataWritten,
		"ostree-n-content-total":       r.Stats.ContentTotal,
		"ostree-n-content-written":     r.Stats.ContentWritten,
		"ostree-n-cache-hits":          r.Stats.CacheHits,
		"ostree-content-bytes-written": r.Stats.ContentBytesWritten,
		"apt-ostree-inputhash":         r.Plan.InputHash,
	}
	if r.Plan.Ref != "" {
		doc["ref"] = r.Plan.Ref
	}
	if !r.Plan.Parent.IsZero() && !r.Unchanged {
		doc["pkgdiff"] = txn.DiffDocument(r.Plan.Parent, r.Commit, r.Diff)["pkgdiff"]
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	return append(text, '\n'), err
}
