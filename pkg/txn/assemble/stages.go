package assemble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A stage is a point of the recipe at which the tree is kept in the repository,
// under a key that covers all it was made from, so that a build which begins like
// an earlier one goes on from where they differ.
type stage int

const (
	atStart      stage = iota
	atEssential        // the Essential packages are configured, scripts can run
	atConfigured       // all packages are configured
	atInitramfs        // not a tree to go on from: only the initramfs
)

// String returns what stands in the ref.
func (s stage) String() string {
	return [...]string{"start", "essential", "configured", "initramfs"}[s]
}

// stagePrefix is where the refs of stages are: stagePrefix/STAGE/KEY.
const stagePrefix = "apt-ostree/stage"

// keyPlaced is the metadata of a stage that says how many packages dpkg did not
// unpack.
const keyPlaced = "apt-ostree.stage.placed"

// keptStage is a stage to keep, or one that was used and is kept on.
type keptStage struct {
	ref    ostree.Refspec
	tree   ostree.TreeID
	placed int
}

// keepsStages tells whether this build has stages: a native one from nothing of
// which every package is known by its hash.
func (b *builder) keepsStages() bool { return b.keys != nil }

// findStages computes the keys and looks for the last stage that is there.
func (b *builder) findStages(ctx context.Context) error {
	if b.in.Tree != (ostree.TreeID{}) {
		b.reached, b.lower = atConfigured, b.in.Tree
		if b.in.KeepStages && b.in.Unpacker == UnpackNative {
			b.keys = map[stage]string{} // no tree is kept, but the initramfs is
		}
		return nil
	}
	if !b.in.KeepStages || !b.fresh() || b.in.Unpacker != UnpackNative || len(b.in.Overwrite) > 0 {
		return nil
	}
	var err error
	if b.keys, err = b.stageKeys(); err != nil || b.keys == nil {
		return err
	}
	for _, s := range []stage{atConfigured, atEssential} {
		kept, err := b.findStage(ctx, s, b.keys[s])
		if err != nil {
			return err
		}
		if kept == nil {
			continue
		}
		b.reached, b.lower, b.placedBefore = s, kept.tree, kept.placed
		b.kept = append(b.kept, *kept)
		b.done = 2 * len(b.unpackedAt(s))
		b.log.Debug("goes on from a kept stage", "stage", s.String(), "key", b.keys[s])
		return nil
	}
	return nil
}

// unpackedAt are the packages that are behind a stage.
func (b *builder) unpackedAt(s stage) []*apt.Package {
	if s == atEssential {
		return essentialSet(b.in.Batches)
	}
	return unpacked(b.in.Batches)
}

// findStage returns a stage, nil if it is not kept.
func (b *builder) findStage(ctx context.Context, s stage, key string) (*keptStage, error) {
	ref := ostree.Refspec{Ref: stagePrefix + "/" + s.String() + "/" + key}
	commit, err := b.in.Repo.Resolve(ctx, ref.Ref)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object, err := b.in.Repo.LoadCommit(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", s, err)
	}
	placed, err := strconv.Atoi(object.Metadata.Str(keyPlaced))
	if err != nil {
		return nil, fmt.Errorf("stage %s: commit %s: %w", s, commit, err)
	}
	return &keptStage{ref, object.Tree, placed}, nil
}

// keep is the step of the recipe that keeps the tree of a stage. The build goes on
// from what was kept, as a later one will, so that it makes no difference to the
// result whether there was something to go on from.
func (b *builder) keep(s stage) func(context.Context) error {
	return func(ctx context.Context) error {
		if !b.keepsStages() || b.reached >= s {
			return nil
		}
		left, err := b.leftovers()
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return &VerifyError{Problems: left}
		}
		if err := b.settle(ctx); err != nil {
			return fmt.Errorf("keep the tree: %w", err)
		}
		b.reached = s
		b.remember(s, b.keys[s], b.lower, b.placed())
		return nil
	}
}

// remember notes a stage, which the end of the build writes.
func (b *builder) remember(s stage, key string, tree ostree.TreeID, placed int) {
	b.kept = append(b.kept, keptStage{ostree.Refspec{Ref: stagePrefix + "/" + s.String() + "/" + key}, tree, placed})
}

// placed counts the packages that dpkg did not unpack.
func (b *builder) placed() int {
	if b.placer == nil {
		return b.placedBefore
	}
	return b.placedBefore + b.placer.placed
}

// writeStages makes the stages of this build the most recently used ones. Their
// commits are dated by a count, not by a clock: each is one second after the last.
func (b *builder) writeStages(ctx context.Context, w *ostree.Writer) error {
	if len(b.kept) == 0 {
		return nil
	}
	all, err := stages(ctx, b.in.Repo)
	if err != nil {
		return err
	}
	now := time.Unix(0, 0)
	for _, s := range all {
		if s.used.After(now) {
			now = s.used
		}
	}
	for _, k := range b.kept {
		c := ostree.Commit{Tree: k.tree, Subject: k.ref.Ref, Timestamp: now.Add(time.Second)}
		c.Metadata.Set(keyPlaced, gvariant.String(strconv.Itoa(k.placed)))
		sum, err := w.WriteCommit(ctx, c)
		if err != nil {
			return err
		}
		if err := w.SetRef(k.ref, sum); err != nil {
			return err
		}
	}
	return nil
}

// rescueStages keeps the stages of a build that failed later on: the next try
// begins there. Why the build failed counts for more than why that fails too.
func (b *builder) rescueStages(ctx context.Context) {
	if len(b.kept) == 0 {
		return
	}
	err := b.in.Repo.Update(ctx, func(w *ostree.Writer) error { return b.writeStages(ctx, w) })
	if err != nil {
		b.log.Warn("what the build has made so far is not kept", "error", err)
	}
}

// usedStage is a stage in a repository and when it was used.
type usedStage struct {
	ref  ostree.Refspec
	kind string
	used time.Time
}

// stages lists the stages in a repository.
func stages(ctx context.Context, repo *ostree.Repo) ([]usedStage, error) {
	refs, err := repo.Refs(ctx, stagePrefix)
	if err != nil {
		return nil, err
	}
	var all []usedStage
	for ref, commit := range refs {
		object, err := repo.LoadCommit(ctx, commit)
		if err != nil {
			return nil, fmt.Errorf("ref %s: %w", ref, err)
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(ref.Ref, stagePrefix+"/"), "/")
		all = append(all, usedStage{ref, kind, object.Timestamp})
	}
	return all, nil
}

// DropStages removes all stages that [Input.KeepStages] has left in a repository
// but those of each kind that were used last, keep of them. Their files go when the
// repository is pruned. It returns how many it removed.
func DropStages(ctx context.Context, repo *ostree.Repo, keep int) (int, error) {
	all, err := stages(ctx, repo)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(all, func(a, b usedStage) int {
		if c := b.used.Compare(a.used); c != 0 {
			return c
		}
		return strings.Compare(a.ref.Ref, b.ref.Ref)
	})
	seen := map[string]int{}
	var drop []ostree.Refspec
	for _, s := range all {
		if seen[s.kind]++; seen[s.kind] > keep {
			drop = append(drop, s.ref)
		}
	}
	if len(drop) == 0 {
		return 0, nil
	}
	return len(drop), repo.Update(ctx, func(w *ostree.Writer) error {
		for _, ref := range drop {
			if err := w.DeleteRef(ref); err != nil {
				return err
			}
		}
		return nil
	})
}
