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
	}
	if err != nil {
		return err
	}
	if err := s.planRequests(p); err != nil {
		return err
	}
	return p.planOverrides()
}

// planPresent starts from what the deployment that boots next has, or from nothing, which then
// something must be deployed on.
func (s *System) planPresent(ctx context.Context, p *Plan) error {
	if len(p.boot) == 0 {
		p.origin = new(origin.Origin)
		switch c := p.Change; {
		case c.Deploy == "":
			return &NoDeploymentError{Sysroot: s.path, Stateroot: p.Stateroot, Need: 1}
		case len(c.Install)+len(c.OverrideRemove) > 0:
			return &RequestError{Message: "packages come from the APT sources of a deployment and there is none yet; deploy first, then install"}
		}
		return nil
	}
	p.From = p.boot[0].Checksum
	p.origin = originOf(p.boot[0])
	base, err := s.Base(ctx, p.From)
	p.Base = base
	return err
}

// planUpgrade takes the newest commit of the ref that the origin follows.
func (s *System) planUpgrade(ctx context.Context, p *Plan) error {
	refspec := p.origin.Refspec
	switch {
	case refspec == "":
		return &RequestError{Message: "the deployment's origin does not say what it follows; deploy a ref to follow it"}
	case isChecksum(refspec):
		return &RequestError{Message: "pinned to commit; no upgrade available (deploy a ref to follow it)"}
	}
	newest, err := s.Repo().Resolve(ctx, refspec)
	if err != nil {
		return err
	}
	if err := s.checkDowngrade(ctx, p, newest); err != nil {
		return err
	}
	p.origin.OverrideCommit = ""
	p.Base = newest
	return nil
}

// planDeploy takes the revision asked for.
func (s *System) planDeploy(ctx context.Context, p *Plan) error {
	commit, follow, err := s.findRevision(ctx, p.origin.Refspec, p.Change.Deploy)
	if err != nil {
		return err
	}
	if err := s.checkDowngrade(ctx, p, commit); err != nil {
		return err
	}
	p.Base = commit
	switch o := p.origin; {
	case follow != "":
		o.Refspec, o.OverrideCommit = follow, ""
		o.CustomURL, o.CustomDescription = "", ""
	case o.Refspec == "" || isChecksum(o.Refspec):
		o.Refspec, o.OverrideCommit = commit.String(), ""
	default:
		o.OverrideCommit = commit.String()
	}
	return nil
}

// findRevision finds the commit to deploy and, if revision is a ref, the ref to follow. In this
// order a revision is a checksum, a version on the ref followed so far, a ref, another name of a
// commit that [ostree.Repo.Resolve] knows. The prefixes version= and revision= leave no choice.
func (s *System) findRevision(ctx context.Context, refspec, revision string) (commit ostree.Checksum, follow string, err error) {
	kind, name, explicit := strings.Cut(revision, "=")
	switch {
	case explicit && strings.EqualFold(kind, "version"):
		if refspec == "" || isChecksum(refspec) {
			return commit, "", &RequestError{Message: "cannot look up a version while pinned to a commit; deploy a ref or a checksum"}
		}
		commit, err = s.findVersion(ctx, refspec, name)
		return commit, "", err
	case explicit && strings.EqualFold(kind, "revision"):
		commit, err = s.Repo().Resolve(ctx, name)
		return commit, "", err
	case isChecksum(revision):
		commit, err = ostree.ParseChecksum(revision)
		return commit, "", err
	}
	if refspec != "" && !isChecksum(refspec) {
		commit, err = s.findVersion(ctx, refspec, revision)
		if !as[*RevisionError](err) {
			return commit, "", err
		}
	}
	commit, err = s.Repo().Resolve(ctx, revision)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return commit, "", &RevisionError{Revision: revision, Refspec: refspec, Repo: s.Repo().Path()}
	}
	if err != nil {
		return commit, "", err
	}
	follow, err = s.refspec(ctx, revision, commit)
	return commit, follow, err
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

// findVersion walks the history of a ref, as far as it is in the repository, for a commit of a
// version.
func (s *System) findVersion(ctx context.Context, refspec, version string) (ostree.Checksum, error) {
	missing := &RevisionError{Revision: version, Refspec: refspec, Version: true, Repo: s.Repo().Path()}
	c, err := s.Repo().Resolve(ctx, refspec)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return c, missing
	}
	for err == nil && !c.IsZero() {
		var commit *ostree.Commit
		commit, err = s.Repo().LoadCommit(ctx, c)
		if errors.Is(err, ostree.ErrObjectNotFound) {
			break // pruned, or never pulled
		}
		if err != nil {
			return c, err
		}
		if version != "" && commit.Metadata.Str(ostree.MetadataVersion) == version {
			return c, nil
		}
		c = commit.Parent
	}
	if err != nil && !errors.Is(err, ostree.ErrObjectNotFound) {
		return c, err
	}
	return ostree.Checksum{}, missing
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
		return &RequestError{AllowDowngrade: true, Message: fmt.Sprintf("target revision %s with timestamp %s is chronologically older than current revision %s with timestamp %s",
			to, after.Timestamp.UTC().Format(time.RFC3339), p.Base, before.Timestamp.UTC().Format(time.RFC3339))}
	}
	return nil
}
