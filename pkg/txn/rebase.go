package txn

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Rebase says what is followed from now on.
type Rebase struct {
	// Refspec is REMOTE:REF; REMOTE: or REF, which keep the other half; :REF, a local ref; CHECKSUM,
	// :CHECKSUM or REMOTE:CHECKSUM, which pin to a commit; or /PATH:REF, the commit of a ref of a
	// repository on this machine, which pins as well. It may begin with ostree://. A reference of a container
	// image, see [oci.ParseReference], follows that image.
	Refspec string `json:"refspec,omitempty"`
	// Remote and Branch are halves of a refspec. They win over Refspec.
	Remote string `json:"remote,omitempty"`
	Branch string `json:"branch,omitempty"`
	// Revision is a checksum or a version on the new ref, instead of its newest commit; of an image in a
	// registry it is a digest.
	Revision string `json:"revision,omitempty"`
	// SkipPurge keeps the ref that was followed so far.
	SkipPurge bool `json:"skip-purge,omitempty"`
	// CustomURL and CustomDescription name the source of a commit that is pinned.
	CustomURL         string `json:"custom-origin-url,omitempty"`
	CustomDescription string `json:"custom-origin-description,omitempty"`
}

func (r *Rebase) check() error {
	switch {
	case r.Refspec == "" && r.Remote == "" && r.Branch == "":
		return errors.New("a rebase needs a refspec, a remote or a branch")
	case (r.CustomURL == "") != (r.CustomDescription == ""):
		return errors.New("the URL and the description of a custom origin must be used together")
	}
	return nil
}

// rebaseTarget is what a rebase comes to: a ref to follow, or a commit to be pinned to.
type rebaseTarget struct {
	ref    ostree.Refspec
	commit ostree.Checksum
	local  string // path of a repository that has ref
}

// target works out what is meant by the words of a rebase, given what is followed now.
func (r *Rebase) target(now string) (rebaseTarget, error) {
	text := strings.TrimPrefix(r.Refspec, "ostree://")
	if strings.HasPrefix(text, "/") {
		at := strings.LastIndex(text, ":")
		if at < 0 || at == len(text)-1 || !isDirectory(text[:at]) {
			return rebaseTarget{}, &RequestError{Message: fmt.Sprintf("%q: not of the form /PATH/OF/A/REPOSITORY:REF", text)}
		}
		return rebaseTarget{ref: ostree.Refspec{Ref: text[at+1:]}, local: filepath.Clean(text[:at])}, nil
	}
	present, err := ostree.ParseRefspec(now)
	if err != nil || isChecksum(now) {
		present = ostree.Refspec{}
	}
	remote, ref, both := strings.Cut(text, ":")
	if !both {
		remote, ref = present.Remote, text
		if isChecksum(text) {
			remote = ""
		}
	}
	if both && ref == "" {
		ref = present.Ref
	}
	if r.Remote != "" {
		remote = r.Remote
	}
	if r.Branch != "" {
		ref = r.Branch
	}
	if ref == "" {
		ref = present.Ref
	}
	if c, err := ostree.ParseChecksum(ref); err == nil {
		return rebaseTarget{ref: ostree.Refspec{Remote: remote}, commit: c}, nil
	}
	if ref == "" {
		return rebaseTarget{}, &RequestError{Message: "nothing is followed whose branch could be kept; name remote and branch"}
	}
	target := ostree.Refspec{Remote: remote, Ref: ref}
	if _, err := ostree.ParseRefspec(target.String()); err != nil {
		return rebaseTarget{}, err
	}
	return rebaseTarget{ref: target}, nil
}

// planRebase changes what is followed.
func (s *System) planRebase(ctx context.Context, p *Plan) error {
	if oci.IsReference(p.Change.Rebase.Refspec) {
		return s.rebaseImage(ctx, p)
	}
	before := p.origin.Refspec
	target, err := p.Change.Rebase.target(before)
	if err != nil {
		return err
	}
	p.origin.Unconfigured, p.origin.ContainerImage = "", ""
	p.origin.CustomURL, p.origin.CustomDescription = p.Change.Rebase.CustomURL, p.Change.Rebase.CustomDescription
	commit, from, err := s.rebaseCommit(ctx, p, target)
	if err != nil {
		return err
	}
	if p.origin.Refspec == before && p.Change.Rebase.Revision == "" {
		return &RequestError{Message: "Old and new refs are equal: " + before}
	}
	if old, err := ostree.ParseRefspec(before); err == nil && !isChecksum(before) && before != p.origin.Refspec && !p.Change.Rebase.SkipPurge {
		p.purge = old.String()
	}
	return s.takeBase(ctx, p, commit, from)
}

// rebaseCommit finds the new base and writes down in the origin what is followed.
func (s *System) rebaseCommit(ctx context.Context, p *Plan, target rebaseTarget) (ostree.Checksum, baseSource, error) {
	o, revision := p.origin, p.Change.Rebase.Revision
	o.OverrideCommit = ""
	from := baseSource{remote: s.remoteOf(target.ref, p.Change), local: target.local}
	switch {
	case target.local != "":
		if revision != "" {
			return ostree.Checksum{}, from, &RequestError{Message: "a revision cannot be chosen in a repository that is given by its path; name its checksum as ref"}
		}
		c, err := s.peekLocal(ctx, target)
		o.Refspec = c.String()
		return c, from, err
	case !target.commit.IsZero():
		if revision != "" {
			return ostree.Checksum{}, from, &RequestError{Message: "a checksum leaves no revision to choose"}
		}
		o.Refspec = target.commit.String()
		return target.commit, from, nil
	}
	o.Refspec = target.ref.String()
	if revision == "" {
		c, err := s.newest(ctx, p, target.ref)
		return c, from, err
	}
	c, _, err := s.findRevision(ctx, o.Refspec, revision, p.Change)
	if err != nil {
		return c, from, err
	}
	o.OverrideCommit = c.String()
	return c, from, s.checkBranch(ctx, o.Refspec, c, p.Change)
}

// peekLocal finds the commit of a ref of another repository on this machine.
func (s *System) peekLocal(ctx context.Context, target rebaseTarget) (ostree.Checksum, error) {
	src, err := ostree.Open(target.local, ostree.Options{})
	if err != nil {
		return ostree.Checksum{}, err
	}
	c, err := src.Resolve(ctx, target.ref.Ref)
	return c, errors.Join(err, src.Close())
}

// purgeRef deletes the ref that is no longer followed. It may be gone already.
func (a *application) purgeRef(ctx context.Context, _ *step.Task) error {
	ref, err := ostree.ParseRefspec(a.plan.purge)
	if err != nil {
		return err
	}
	return a.system.deleteRef(ctx, ref)
}
