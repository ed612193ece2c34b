package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// ErrArchiveDeltas says that static deltas are required where they are no use:
// an archive would have to compress again what they hold.
var ErrArchiveDeltas = errors.New("static deltas are required, and a repository of mode archive cannot use them")

// A NoDeltaError says that static deltas are required and that there is none.
type NoDeltaError struct {
	Ref    string // may be empty
	Commit Checksum
}

// Error implements error.
func (e *NoDeltaError) Error() string {
	return fmt.Sprintf("static deltas are required, and there is none to commit %s", e.Commit)
}

// A DeltaSpaceError says that the objects of static deltas need more space than
// is free.
type DeltaSpaceError struct{ Needed, Free int64 }

// Error implements error.
func (e *DeltaSpaceError) Error() string {
	return fmt.Sprintf("the static deltas need %d bytes, and %d are free", e.Needed, e.Free)
}

// maxDeltaParts is how many parts are worked on at the same time: each takes
// memory of its own size.
const maxDeltaParts = 2

// chooseDeltas switches deltas off where objects are better.
func (p *pull) chooseDeltas() error {
	archive := p.repo.settings.mode == ModeArchive
	if p.opts.Deltas == DeltasRequired {
		if archive {
			return ErrArchiveDeltas
		}
		return nil
	}
	if archive || p.opts.CommitOnly || len(p.opts.Subpaths) > 0 || p.local != nil {
		p.opts.Deltas = DeltasOff
	}
	return nil
}

// listDeltas notes the deltas that the summary lists.
func (p *pull) listDeltas() error {
	p.deltas = make(map[DeltaName]Checksum)
	if p.opts.Deltas == DeltasOff || p.summary == nil || p.summary.Summary == nil {
		return nil
	}
	list, err := p.summary.Summary.Deltas()
	if err != nil {
		return err
	}
	for _, d := range list {
		p.deltas[d.DeltaName] = d.Superblock
	}
	return nil
}

// deltaIndex notes the deltas to a commit that the index for it lists.
func (h *httpSource) deltaIndex(ctx context.Context, to Checksum) error {
	o := fetch.GetOptions{MaxSize: maxMetadataSize}
	data, _, err := h.session.content.ReadAll(ctx, deltaIndexPath(to), o)
	h.p.stats.fetchedMeta.Add(1)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := parseDeltaIndex(data, to)
	if err != nil {
		return err
	}
	for _, d := range list {
		h.p.deltas[d.DeltaName] = d.Superblock
	}
	return nil
}

// delta finds and reads the superblock of the best delta to a target. It is nil
// if objects are to be fetched one by one.
func (p *pull) delta(ctx context.Context, t *pullTarget) (*superblock, error) {
	if p.opts.Deltas == DeltasOff {
		return nil, nil //nolint:nilnil // it is in the contract
	}
	complete, err := p.hasWhole(t.Commit)
	if complete || err != nil {
		return nil, err
	}
	name, ok, err := p.bestDelta(ctx, t)
	if err != nil {
		return nil, err
	}
	var sb *superblock
	if ok {
		if sb, err = p.superblock(ctx, name); err != nil {
			return nil, err
		}
	}
	if sb == nil && p.opts.Deltas == DeltasRequired {
		return nil, &NoDeltaError{Ref: t.Ref, Commit: t.Commit}
	}
	return sb, nil
}

// hasWhole tells whether a commit is here with all it needs.
func (p *pull) hasWhole(c Checksum) (bool, error) {
	has, err := p.repo.store.has(ObjectName{c, ObjectCommit})
	if !has || err != nil {
		return false, err
	}
	partial, err := p.isPartial(c)
	return !partial, err
}

// bestDelta chooses the delta from the newest commit that is here. One that makes
// the commit from nothing is only for those who have no earlier commit of the
// ref: most of their objects are here.
func (p *pull) bestDelta(ctx context.Context, t *pullTarget) (best DeltaName, ok bool, err error) {
	if p.http.indexedDeltas {
		if err := p.http.deltaIndex(ctx, t.Commit); err != nil {
			return best, false, err
		}
	} else if p.summary == nil || p.summary.Summary == nil {
		return p.guessDelta(t)
	}
	var newest *Commit
	for name := range p.deltas {
		if name.To != t.Commit || name.From.IsZero() {
			continue
		}
		whole, err := p.hasWhole(name.From)
		if err != nil {
			return best, false, err
		}
		if !whole {
			continue
		}
		from, err := p.repo.store.loadCommit(name.From)
		if err != nil {
			return best, false, err
		}
		if newest == nil || from.Timestamp.After(newest.Timestamp) {
			best, newest = name, from
		}
	}
	if newest != nil {
		return best, true, nil
	}
	scratch := DeltaName{To: t.Commit}
	_, ok = p.deltas[scratch]
	return scratch, ok && (p.before(t).IsZero() || p.opts.Deltas == DeltasRequired), nil
}

// guessDelta names the delta that a repository would have which does not say
// which ones it has.
func (p *pull) guessDelta(t *pullTarget) (DeltaName, bool, error) {
	name := DeltaName{To: t.Commit}
	before := p.before(t)
	if before.IsZero() {
		return name, true, nil
	}
	whole, err := p.hasWhole(before)
	if whole {
		name.From = before
	}
	return name, name.From != name.To, err
}

// before is the commit that a target follows upon, zero if that is not known.
func (p *pull) before(t *pullTarget) Checksum {
	if t.previous.IsZero() {
		return p.opts.DeltaFrom
	}
	return t.previous
}

// superblock reads the superblock of a delta. It is nil if there is none.
func (p *pull) superblock(ctx context.Context, name DeltaName) (*superblock, error) {
	o := fetch.GetOptions{MaxSize: maxMetadataSize}
	data, _, err := p.http.session.content.ReadAll(ctx, name.superblockPath(), o)
	p.stats.fetchedMeta.Add(1)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, nil //nolint:nilnil // it is in the contract
	}
	if err != nil {
		return nil, err
	}
	what := "superblock of static delta " + name.String()
	expected, listed := p.deltas[name]
	if !listed && p.verifySummary.Needed() && p.summary != nil {
		return nil, fmt.Errorf("%s: the signed summary does not list it", what)
	}
	if actual := Checksum(sha256.Sum256(data)); listed && actual != expected {
		return nil, &DeltaChecksumError{Delta: name, Actual: actual}
	}
	sb, err := parseSuperblock(data)
	if err != nil {
		return nil, &CorruptError{What: what, Err: err}
	}
	if sb.name != name || sb.parents > 0 {
		return nil, &CorruptError{What: what, Err: fmt.Errorf("it is one of %s after %d others", sb.name, sb.parents)}
	}
	return sb, p.verifyDelta(ctx, sb)
}

// A DeltaChecksumError says that a static delta is not the one that the summary,
// or the index of deltas, lists.
type DeltaChecksumError struct {
	Delta  DeltaName
	Actual Checksum // of its superblock
}

// Error implements error.
func (e *DeltaChecksumError) Error() string {
	return fmt.Sprintf("static delta %s has the checksum %s, which is not what is listed", e.Delta, e.Actual)
}

// verifyDelta checks the signature of a delta, if the configuration asks for it,
// with the keys for commits of the remote.
func (p *pull) verifyDelta(ctx context.Context, sb *superblock) error {
	if !p.repo.settings.verifyDeltas {
		return nil
	}
	verifiers := p.deltaVerifiers()
	if len(verifiers) == 0 {
		return ErrDeltaKeyNeeded
	}
	_, err := sb.verify(ctx, verifiers)
	return err
}

func (p *pull) deltaVerifiers() []sign.Verifier {
	if p.verify == nil {
		return nil
	}
	return p.verify.Any
}

// missingParts finds out which parts of a delta are needed, and counts the rest.
func (p *pull) missingParts(s *store, sb *superblock) (parts []int, err error) {
	for i := range sb.parts {
		part := &sb.parts[i]
		has, err := s.hasAll(part.objects)
		if err != nil {
			return nil, err
		}
		p.countDelta(&p.stats.deltaParts, &p.stats.deltaPartsTotal, has, part.size, part.content)
		if !has {
			parts = append(parts, i)
		}
	}
	for _, f := range sb.fallbacks {
		has, err := s.has(f.object)
		if err != nil {
			return nil, err
		}
		p.countDelta(&p.stats.deltaFallbacks, &p.stats.deltaFallbacksTotal, has, f.size, f.content)
	}
	return parts, p.checkDeltaSpace()
}

func (p *pull) countDelta(here, total *atomic.Int64, has bool, size, content uint64) {
	total.Add(1)
	p.stats.deltaSizeTotal.Add(clampSize(size))
	p.stats.deltaContent.Add(clampSize(content))
	if has {
		here.Add(1)
		p.stats.deltaSize.Add(clampSize(size))
	}
}

// clampSize keeps sums of sizes that a server claims within what can be added.
func clampSize(n uint64) int64 { return int64(min(n, 1<<50)) }

func (s *store) hasAll(objects []ObjectName) (bool, error) {
	for _, n := range objects {
		if ok, err := s.has(n); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// checkDeltaSpace refuses early what could not be finished.
func (p *pull) checkDeltaSpace() error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(p.repo.fd, &st); err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	needed, free := p.stats.deltaContent.Load(), int64(st.Bfree)*st.Bsize
	if needed < 0 || needed > free {
		return &DeltaSpaceError{Needed: needed, Free: free}
	}
	return nil
}

// applyDelta makes the objects of a delta. Files that it leaves out come with
// the walk through the tree.
func (p *pull) applyDelta(ctx context.Context, sb *superblock) error {
	p.staged.Store(true)
	parts, err := p.missingParts(p.w.store, sb)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxDeltaParts)
	for _, i := range parts {
		group.Go(func() error {
			err := p.applyPart(groupCtx, sb, i)
			if err == nil {
				p.stats.deltaParts.Add(1)
				p.stats.deltaSize.Add(clampSize(sb.parts[i].size))
			}
			return err
		})
	}
	return group.Wait()
}

func (p *pull) applyPart(ctx context.Context, sb *superblock, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := sb.metadata.Lookup(sb.name.partPath(i)); ok {
		return p.w.applyDeltaPart(ctx, sb, i, nil)
	}
	o := fetch.GetOptions{Priority: fetch.Content, MaxSize: clampSize(sb.parts[i].size)}
	resp, err := p.http.session.content.Get(ctx, sb.name.partPath(i), o)
	if err != nil {
		return err
	}
	return errors.Join(p.w.applyDeltaPart(ctx, sb, i, resp.Body), resp.Body.Close())
}

// dryRun finds out how much of the deltas to all targets is not here.
func (p *pull) dryRun(ctx context.Context) error {
	for _, t := range p.targets {
		sb, err := p.delta(ctx, t)
		if err != nil {
			return err
		}
		if sb == nil {
			continue
		}
		if _, err := p.missingParts(p.repo.store, sb); err != nil {
			return err
		}
	}
	return nil
}
