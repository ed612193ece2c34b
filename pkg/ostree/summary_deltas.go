package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// summarizeDeltas lists the static deltas of the repository in a summary, and in
// their indexes.
func (r *Repo) summarizeDeltas(ctx context.Context, s *Summary) error {
	deltas, err := r.listDeltas(ctx)
	if err != nil {
		return err
	}
	if err := r.indexDeltas(ctx, deltas, Checksum{}); err != nil {
		return err
	}
	if r.settings.noDeltaList || len(deltas) == 0 {
		s.Metadata.Delete(SummaryDeltas)
	} else {
		s.Metadata.Set(SummaryDeltas, encodeDeltaMap(deltas))
	}
	if len(deltas) == 0 {
		return nil
	}
	return r.announceDeltaIndexes()
}

// listDeltas finds static deltas.
func (r *Repo) listDeltas(ctx context.Context) ([]SummaryDelta, error) {
	names, err := r.Deltas(ctx)
	if err != nil {
		return nil, err
	}
	var deltas []SummaryDelta
	for _, n := range names {
		d := SummaryDelta{DeltaName: n}
		d.Superblock, err = r.hashFile(n.superblockPath())
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		deltas = append(deltas, d)
	}
	return deltas, nil
}

func (r *Repo) hashFile(path string) (Checksum, error) {
	f, err := fsx.OpenAt(r.fd, path, unix.O_RDONLY, 0)
	if err != nil {
		return Checksum{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Checksum{}, err
	}
	return Checksum(h.Sum(nil)), nil
}
