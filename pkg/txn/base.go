package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// planOrigin decides on the base commit and the list of requests.
func (s *System) planOrigin(ctx context.Context, p *Plan) error {
	if err := s.planPresent(ctx, p); err != nil {
		return err
	}
	var err error
	switch c := p.Change; {
	case c.Upgrade:
		err = s.planUpgrade(ctx, p)
	case c.Deploy != "":
		err = s.planDeploy(ctx, p)
	case c.Rebase != nil:
		err = s.planRebase(ctx, p)
	}
	if err != nil {
		return err
	}
	if err := s.planRequests(p); err != nil {
		return err
	}
	if err := p.planOverrides(); err != nil {
		return err
	}
	return p.editInitramfs()
}

// planPresent starts from what the deployment that boots next has, or from nothing, which then
// something must be deployed on.
func (s *System) planPresent(ctx context.Context, p *Plan) error {
	if len(p.boot) == 0 {
		p.origin = new(origin.Origin)
		switch c := p.Change; {
		case c.Deploy == "" && c.Rebase == nil:
			return &NoDeploymentError{Sysroot: s.path, Stateroot: p.Stateroot, Need: 1}
		case len(c.Install)+len(c.OverrideRemove) > 0:
			return &RequestError{Message: "packages come from the APT sources of a deployment and there is none yet; deploy first, then install"}
		}
		return nil
	}
	p.From = p.boot[0].Checksum
	p.origin = originOf(p.boot[0])
	if state := p.origin.Unconfigured; state != "" && p.Change.Rebase == nil {
		return &RequestError{Message: "origin unconfigured-state: " + state}
	}
	base, err := s.Base(ctx, p.From)
	p.Base, p.PresentBase = base, base
	return err
}

// planUpgrade takes the newest commit of the ref that the origin follows.
func (s *System) planUpgrade(ctx context.Context, p *Plan) error {
	refspec := p.origin.Refspec
	switch {
	case p.origin.ContainerImage != "":
		return s.upgradeImage(ctx, p)
	case p.origin.CustomDescription != "" && isChecksum(refspec):
		return &RequestError{Message: "Pinned to commit by custom origin: " + p.origin.CustomDescription}
	case refspec == "":
		return &RequestError{Message: "the deployment's origin does not say what it follows; deploy a ref to follow it"}
	case isChecksum(refspec):
		return &RequestError{Message: "Pinned to commit; no upgrade available (rebase to a ref to follow it)"}
	}
	ref, err := ostree.ParseRefspec(refspec)
	if err != nil {
		return err
	}
	newest, err := s.newest(ctx, p, ref)
	if err != nil {
		return err
	}
	p.origin.OverrideCommit = ""
	return s.takeBase(ctx, p, newest, baseSource{remote: s.remoteOf(ref, p.Change)})
}

// takeBase makes a commit the base, unless it is older than the present one and must not be.
func (s *System) takeBase(ctx context.Context, p *Plan, c ostree.Checksum, from baseSource) error {
	if err := s.look(ctx, p, c, from, p.origin.Refspec); err != nil {
		return err
	}
	if err := s.checkDowngrade(ctx, p, c); err != nil {
		return err
	}
	p.Base = c
	return nil
}

// planDeploy takes the revision asked for.
func (s *System) planDeploy(ctx context.Context, p *Plan) error {
	o := p.origin
	commit, follow, err := s.findRevision(ctx, o.Refspec, p.Change.Deploy, p.Change)
	if err != nil {
		return err
	}
	if follow == "" {
		if err := s.checkBranch(ctx, o.Refspec, commit, p.Change); err != nil {
			return err
		}
	}
	switch {
	case follow != "":
		o.Refspec, o.OverrideCommit = follow, ""
		o.CustomURL, o.CustomDescription, o.ContainerImage = "", "", ""
	case o.Refspec == "" || isChecksum(o.Refspec):
		o.Refspec, o.OverrideCommit, o.ContainerImage = commit.String(), "", ""
	default:
		o.OverrideCommit = commit.String()
	}
	from := baseSource{}
	if ref, err := ostree.ParseRefspec(o.Refspec); err == nil {
		from.remote = s.remoteOf(ref, p.Change)
	}
	return s.takeBase(ctx, p, commit, from)
}

// findRevision finds the commit to deploy and, if revision is a ref, the ref to follow. In this
// order a revision is a checksum, a version on the ref followed so far, a ref, another name of a
// commit that [ostree.Repo.Resolve] knows. The prefixes version= and revision= leave no choice.
func (s *System) findRevision(ctx context.Context, refspec, revision string, change Change) (commit ostree.Checksum, follow string, err error) {
	kind, name, explicit := strings.Cut(revision, "=")
	switch {
	case explicit && strings.EqualFold(kind, "version"):
		if refspec == "" || isChecksum(refspec) {
			return commit, "", &RequestError{Message: "Cannot look up version while pinned to commit; deploy a ref or a checksum"}
		}
		commit, err = s.findVersion(ctx, refspec, name, change)
		return commit, "", err
	case explicit && strings.EqualFold(kind, "revision"):
		if commit, err = ostree.ParseChecksum(name); err != nil {
			commit, err = s.Repo().Resolve(ctx, name)
		}
		return commit, "", err
	case isChecksum(revision):
		commit, err = ostree.ParseChecksum(revision)
		return commit, "", err
	}
	if refspec != "" && !isChecksum(refspec) {
		commit, err = s.findVersion(ctx, refspec, revision, change)
		if !as[*RevisionError](err) {
			return commit, "", err
		}
	}
	commit, err = s.resolveRef(ctx, revision, change)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return commit, "", &RevisionError{Revision: revision, Refspec: refspec, Repo: s.Repo().Path()}
	}
	if err != nil {
		return commit, "", err
	}
	follow, err = s.refspec(ctx, revision, commit)
	return commit, follow, err
}

// resolveRef finds the commit that a name stands for. A ref of a remote is looked up there.
func (s *System) resolveRef(ctx context.Context, name string, change Change) (ostree.Checksum, error) {
	ref, err := ostree.ParseRefspec(name)
	if err == nil && s.hasRemote(ref.Remote) && s.remoteOf(ref, change) != "" {
		pull := ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref.Ref}}, CommitOnly: true}
		if err := s.pullFrom(ctx, baseSource{remote: ref.Remote}, pull); err != nil {
			return ostree.Checksum{}, err
		}
	}
	return s.Repo().Resolve(ctx, name)
}

func isChecksum(s string) bool {
	_, err := ostree.ParseChecksum(s)
	return err == nil
}

// refspec gives the ref of the repository that name is, with its remote, or "" if it is another
// kind of name of the commit.
func (s *System) refspec(ctx context.Context, name string, commit ostree.Checksum) (string, error) {
	want, err := ostree.ParseRefspec(name)
	if err != nil {
		return "", nil //nolint:nilerr // what is not even shaped like a ref is none
	}
	refs, err := s.Repo().Refs(ctx, "")
	if err != nil {
		return "", err
	}
	if _, ok := refs[want]; ok {
		return name, nil
	}
	var found []string
	for ref, c := range refs {
		if want.Remote == "" && ref.Ref == want.Ref && c == commit {
			found = append(found, ref.String())
		}
	}
	if len(found) == 0 {
		return "", nil
	}
	return slices.Min(found), nil
}

// checkDowngrade refuses a base that is older than the present one, unless that is allowed.
func (s *System) checkDowngrade(ctx context.Context, p *Plan, to ostree.Checksum) error {
	if p.Change.AllowDowngrade || p.Base.IsZero() || p.Base == to {
		return nil
	}
	before, err := s.Repo().LoadCommit(ctx, p.Base)
	if err != nil {
		return err
	}
	after, err := s.Repo().LoadCommit(ctx, to)
	if err != nil {
		return err
	}
	if after.Timestamp.Before(before.Timestamp) {
		return newDowngradeError(to, after.Timestamp, p.Base, before.Timestamp)
	}
	return nil
}

func newDowngradeError(to ostree.Checksum, at time.Time, from ostree.Checksum, since time.Time) error {
	return &RequestError{AllowDowngrade: true, Message: fmt.Sprintf("target revision %s with timestamp %s is chronologically older than current revision %s with timestamp %s",
		to, at.UTC().Format(time.RFC3339), from, since.UTC().Format(time.RFC3339))}
}
