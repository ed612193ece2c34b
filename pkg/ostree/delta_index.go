package ostree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// ReindexOptions say which indexes [Repo.ReindexDeltas] writes. The zero value
// means all.
type ReindexOptions struct {
	// To is the only commit whose index is written, if it is not zero.
	To Checksum
}

// ReindexDeltas writes the indexes of static deltas: for each commit that deltas
// lead to, a file below "delta-indexes" that lists them. Clients fetch the one
// they need, so the summary need not list all deltas of the repository.
// Indexes without deltas are removed. It also sets core.indexed-deltas.
func (r *Repo) ReindexDeltas(ctx context.Context, opts ReindexOptions) error {
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("reindex static deltas: %w", err)
	}
	if err := r.reindexDeltas(ctx, opts.To); err != nil {
		return fmt.Errorf("reindex static deltas: %w", err)
	}
	return r.announceDeltaIndexes()
}

// announceDeltaIndexes sets the key by which clients that have no summary learn
// that there are indexes.
func (r *Repo) announceDeltaIndexes() error {
	if value, _ := r.ConfigValue("core", "indexed-deltas"); value == "true" {
		return nil
	}
	return r.SetConfigValue("core", "indexed-deltas", "true")
}

// reindexDeltas writes one index, or all of them.
func (r *Repo) reindexDeltas(ctx context.Context, only Checksum) error {
	deltas, err := r.listDeltas(ctx)
	if err != nil {
		return err
	}
	return r.indexDeltas(ctx, deltas, only)
}

// indexDeltas brings indexes in line with the deltas that exist.
func (r *Repo) indexDeltas(ctx context.Context, deltas []SummaryDelta, only Checksum) error {
	byTarget := map[Checksum][]SummaryDelta{}
	for _, d := range deltas {
		byTarget[d.To] = append(byTarget[d.To], d)
	}
	old, err := r.DeltaIndexes(ctx)
	if err != nil {
		return err
	}
	for _, to := range old {
		if _, ok := byTarget[to]; !ok {
			byTarget[to] = nil
		}
	}
	for to, list := range byTarget {
		if !only.IsZero() && to != only {
			continue
		}
		if err := r.writeDeltaIndex(to, list); err != nil {
			return fmt.Errorf("index for %s: %w", to, err)
		}
	}
	return nil
}

// refreshDeltaIndex writes the index of a commit anew if there is one.
func (r *Repo) refreshDeltaIndex(ctx context.Context, to Checksum) error {
	_, err := fsx.StatAt(r.fd, deltaIndexPath(to))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = r.reindexDeltas(ctx, to)
	}
	if err != nil {
		return fmt.Errorf("index of static deltas to %s: %w", to, err)
	}
	return nil
}

// writeDeltaIndex writes an index if it is not what it should be, and removes it
// if there is nothing to list.
func (r *Repo) writeDeltaIndex(to Checksum, deltas []SummaryDelta) error {
	file := deltaIndexPath(to)
	if len(deltas) == 0 {
		if err := ignoreNotExist(unlinkAt(r.fd, file)); err != nil {
			return err
		}
		return removeIfEmpty(r.fd, path.Dir(file))
	}
	data := encodeDeltaIndex(deltas)
	name := filepath.Join(r.path, file)
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o775); err != nil {
		return err
	}
	return fsx.WriteFile(name, data, 0o644)
}

func encodeDeltaIndex(deltas []SummaryDelta) []byte {
	return gvariant.Dict(gvariant.Entry{Key: SummaryDeltas, Value: encodeDeltaMap(deltas)}).Data()
}

// parseDeltaIndex reads the list of static deltas to a commit.
func parseDeltaIndex(data []byte, to Checksum) ([]SummaryDelta, error) {
	v, err := gvariant.Parse("a{sv}", data)
	if err != nil {
		return nil, fmt.Errorf("index of static deltas: %w", err)
	}
	list, ok, err := v.Lookup(SummaryDeltas)
	if err != nil || !ok {
		return nil, err
	}
	deltas, err := decodeDeltaMap(list)
	if err != nil {
		return nil, fmt.Errorf("index of static deltas: %w", err)
	}
	if slices.ContainsFunc(deltas, func(d SummaryDelta) bool { return d.To != to }) {
		return nil, fmt.Errorf("index of static deltas to %s lists others", to)
	}
	return deltas, nil
}

// DeltaIndexes lists the commits for which there is an index of static deltas,
// sorted.
func (r *Repo) DeltaIndexes(ctx context.Context) ([]Checksum, error) {
	dirs, err := readNames(r.fd, "delta-indexes")
	if err != nil {
		return nil, fmt.Errorf("indexes of static deltas: %w", err)
	}
	var list []Checksum
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		names, err := readNames(r.fd, "delta-indexes/"+dir)
		if err != nil {
			return nil, fmt.Errorf("indexes of static deltas: %w", err)
		}
		for _, name := range names {
			base, ok := strings.CutSuffix(name, ".index")
			to, isName := parseModifiedBase64(dir + base)
			if ok && isName && len(dir) == 2 {
				list = append(list, to)
			}
		}
	}
	slices.SortFunc(list, func(a, b Checksum) int { return bytes.Compare(a[:], b[:]) })
	return list, nil
}
