package deploy

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// baseRefs is the prefix of the refs that protect what [Options.Bases] names.
const baseRefs = "apt-ostree/base/"

// deploymentRef matches the refs by which libostree protects deployed commits,
// ostree/BOOTVERSION/SUBVERSION/INDEX.
var deploymentRef = regexp.MustCompile(`^ostree/[01]/[01]/[0-9]+$`)

// refSet says which refs there have to be.
type refSet struct {
	// list are the deployments that are, or will be, in effect as boot and sub.
	boot, sub int
	list      []Deployment
	// basesOf are those whose bases are protected.
	basesOf []Deployment
	// keepOthers leaves refs of other lists, because one of them is in effect still.
	keepOthers bool
}

// writeRefs makes the refs of deployments what they have to be, in one transaction. They are a
// function of the list, so whatever a crash leaves is put right the next time.
func (s *Sysroot) writeRefs(ctx context.Context, set refSet) error {
	want := make(map[string]ostree.Checksum)
	for i, d := range set.list {
		want[fmt.Sprintf("ostree/%d/%d/%d", set.boot, set.sub, i)] = d.Checksum
	}
	if err := s.addBases(ctx, set.basesOf, want); err != nil {
		return fmt.Errorf("base commits: %w", err)
	}
	have, err := s.ownRefs(ctx)
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("ostree/%d/%d/", set.boot, set.sub)
	drop := make(map[string]bool)
	for name := range have {
		_, wanted := want[name]
		drop[name] = !wanted && (!set.keepOthers || strings.HasPrefix(name, prefix))
	}
	maps.DeleteFunc(want, func(name string, c ostree.Checksum) bool { return have[name] == c })
	maps.DeleteFunc(drop, func(_ string, on bool) bool { return !on })
	if len(want)+len(drop) == 0 {
		return nil
	}
	return s.repo.UpdateWith(ctx, func(w *ostree.Writer) error {
		for name, c := range want {
			if err := w.SetRef(ostree.Refspec{Ref: name}, c); err != nil {
				return err
			}
		}
		for name := range drop {
			if err := w.DeleteRef(ostree.Refspec{Ref: name}); err != nil {
				return err
			}
		}
		return nil
	}, ostree.UpdateOptions{Resume: true}) // like libostree, what was interrupted before ends here
}

// addBases adds the refs of base commits, each commit once.
func (s *Sysroot) addBases(ctx context.Context, list []Deployment, want map[string]ostree.Checksum) error {
	if s.opts.Bases == nil {
		return nil
	}
	seen := make(map[ostree.Checksum]bool)
	for _, d := range list {
		bases, err := s.opts.Bases(ctx, d)
		if err != nil {
			return fmt.Errorf("deployment %s: %w", d.Name(), err)
		}
		for _, c := range bases {
			if !seen[c] {
				want[fmt.Sprintf("%s%d", baseRefs, len(seen))] = c
				seen[c] = true
			}
		}
	}
	return nil
}

// ownRefs returns the refs that this package writes, by name.
func (s *Sysroot) ownRefs(ctx context.Context) (map[string]ostree.Checksum, error) {
	refs, err := s.repo.Refs(ctx, "")
	if err != nil {
		return nil, err
	}
	own := make(map[string]ostree.Checksum)
	for ref, c := range refs {
		isBase := s.opts.Bases != nil && strings.HasPrefix(ref.Ref, baseRefs)
		if ref.Remote == "" && (isBase || deploymentRef.MatchString(ref.Ref)) {
			own[ref.Ref] = c
		}
	}
	return own, nil
}
