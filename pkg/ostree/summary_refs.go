package ostree

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// summarizeRefs adds the refs of a repository to a summary: local ones, and
// those of collections, which may be mirrored or come from a remote that belongs
// to a collection.
func (r *Repo) summarizeRefs(ctx context.Context, s *Summary) error {
	groups, err := r.groupRefs(ctx)
	if err != nil {
		return err
	}
	about, err := r.describeCommits(ctx, groups)
	if err != nil {
		return err
	}
	for id, refs := range groups {
		list := make([]SummaryRef, 0, len(refs))
		for ref, c := range refs {
			entry := about[c]
			entry.Ref, entry.Commit = ref, c
			list = append(list, entry)
		}
		if id == r.settings.collection {
			s.Refs = list
		} else {
			s.Collections = append(s.Collections, SummaryCollection{ID: id, Refs: list})
		}
	}
	return nil
}

// groupRefs sorts refs by collection; local refs have that of the repository,
// which may be "". Of several refs of one name in a collection the local one
// counts, then that which is mirrored.
func (r *Repo) groupRefs(ctx context.Context) (map[string]map[string]Checksum, error) {
	files, err := r.refFiles(ctx)
	if err != nil {
		return nil, err
	}
	groups := make(map[string]map[string]Checksum)
	for _, top := range []string{"remotes/", "mirrors/", "heads/"} {
		for path, c := range files {
			name, ok := strings.CutPrefix(path, top)
			if !ok {
				continue
			}
			id, ref, ok := r.collectionOf(top, name)
			if !ok {
				continue
			}
			if groups[id] == nil {
				groups[id] = make(map[string]Checksum)
			}
			groups[id][ref] = c
		}
	}
	return groups, nil
}

// collectionOf splits a path below refs/heads, refs/mirrors or refs/remotes.
func (r *Repo) collectionOf(top, name string) (id, ref string, ok bool) {
	if top == "heads/" {
		return r.settings.collection, name, !isChecksum(name)
	}
	id, ref, ok = strings.Cut(name, "/")
	if ok && top == "remotes/" {
		id, ok = r.remoteOption(id, "collection-id")
	}
	return id, ref, ok && ValidateCollectionID(id) == nil && !isChecksum(ref)
}

// describeCommits reads each commit once. Commits are small files in random
// places, so several are read at a time.
func (r *Repo) describeCommits(ctx context.Context, groups map[string]map[string]Checksum) (map[Checksum]SummaryRef, error) {
	about := make(map[Checksum]SummaryRef)
	for _, refs := range groups {
		for _, c := range refs {
			about[c] = SummaryRef{}
		}
	}
	commits := slices.Collect(maps.Keys(about))
	group, ctx := errgroup.WithContext(ctx)
	workers := min(runtime.GOMAXPROCS(0), 1+len(commits)/64)
	var mu sync.Mutex
	for part := range slices.Chunk(commits, max(1, (len(commits)+workers-1)/workers)) {
		group.Go(func() error {
			described := make([]SummaryRef, len(part))
			var buf []byte
			for i, c := range part {
				var err error
				if buf, err = r.describeCommit(ctx, c, buf[:0], &described[i]); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for i, c := range part {
				about[c] = described[i]
			}
			return nil
		})
	}
	return about, group.Wait()
}

// describeCommit sets what a summary says of a commit. The buffer may be used
// again.
func (r *Repo) describeCommit(ctx context.Context, c Checksum, buf []byte, d *SummaryRef) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return buf, err
	}
	buf, err := r.store.readMetaInto(ObjectName{c, ObjectCommit}, buf)
	if err != nil {
		return buf, err
	}
	commit, err := decodeCommit(buf)
	if err != nil {
		return buf, corrupt(ObjectName{c, ObjectCommit}.String(), err)
	}
	d.Size = uint64(len(buf))
	// The order is the one that libostree writes.
	if version := commit.Metadata.Str(MetadataVersion); version != "" {
		d.Metadata.Set(SummaryCommitVersion, gvariant.String(version))
	}
	d.Metadata.Set(SummaryCommitTimestamp, timeValue(commit.Timestamp))
	return buf, nil
}
