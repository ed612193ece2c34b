package txn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// pendingImage is an image that is not in the repository yet.
type pendingImage struct {
	reference oci.Reference
	digest    string
	layers    int
	size      int64 // of the layers that are missing, in bytes
}

// imageTarget is the image that the words of a rebase mean. A revision is the digest of one image, which is
// then stayed on.
func imageTarget(text, revision string) (oci.Reference, error) {
	ref, err := oci.ParseReference(text)
	if err != nil {
		if as[*oci.UnsupportedError](err) {
			return ref, err
		}
		return ref, &RequestError{Message: err.Error()}
	}
	if ref.Verify == oci.SignedImage {
		return ref, &oci.UnsupportedError{
			What: "verification by /etc/containers/policy.json, which " + text + " asks for,", Instead: "use ostree-remote-registry:REMOTE:NAME, which verifies the commit in the image with the keys of an OSTree remote, or ostree-unverified-registry:NAME",
		}
	}
	if revision != "" && (!strings.HasPrefix(revision, "sha256:") || ref.Location.Transport != oci.Registry) {
		return ref, &RequestError{Message: fmt.Sprintf("%q: an image in a registry is chosen by its digest, sha256:…", revision)}
	}
	return ref, nil
}

// at is the place of one image, by its digest.
func at(l oci.Location, digest string) oci.Location {
	if digest == "" {
		return l
	}
	name := l.Name
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name = name[:colon]
	}
	return oci.Location{Transport: l.Transport, Name: name + "@" + digest}
}

// rebaseImage follows an image from now on.
func (s *System) rebaseImage(ctx context.Context, p *Plan) error {
	rebase, before := p.Change.Rebase, p.origin.Refspec
	if rebase.Remote != "" || rebase.Branch != "" {
		return &RequestError{Message: "an image has neither a remote nor a branch to choose"}
	}
	ref, err := imageTarget(rebase.Refspec, rebase.Revision)
	if err != nil {
		return err
	}
	if p.origin.ContainerImage == ref.String() && rebase.Revision == "" {
		return &RequestError{Message: "Old and new refs are equal: " + ref.String()}
	}
	o := p.origin
	o.Unconfigured, o.Refspec, o.ContainerImage, o.OverrideCommit = "", "", ref.String(), rebase.Revision
	o.CustomURL, o.CustomDescription = rebase.CustomURL, rebase.CustomDescription
	if old, err := ostree.ParseRefspec(before); err == nil && !isChecksum(before) && !rebase.SkipPurge {
		p.purge = old.String()
	}
	return s.takeImage(ctx, p, ref, rebase.Revision)
}

// upgradeImage takes what the image is now.
func (s *System) upgradeImage(ctx context.Context, p *Plan) error {
	ref, err := imageTarget(p.origin.ContainerImage, "")
	if err != nil {
		return err
	}
	p.origin.OverrideCommit = ""
	return s.takeImage(ctx, p, ref, "")
}

// takeImage makes an image the base. If its digest is that of the base nothing is fetched but its manifest;
// otherwise its layers are left to Apply, unless packages are layered: these are chosen by what is in it.
func (s *System) takeImage(ctx context.Context, p *Plan, ref oci.Reference, digest string) error {
	if p.Change.CacheOnly || p.Change.NoPull {
		return s.takeCachedImage(ctx, p, ref)
	}
	image, err := oci.Open(ctx, at(ref.Location, digest), s.imageOptions())
	if err != nil {
		return err
	}
	defer image.Close() //nolint:errcheck // opened for reading
	if err := s.checkImage(ctx, p, image); err != nil {
		return err
	}
	p.ContainerImage, p.ContainerDigest = ref.String(), image.Digest
	have, err := s.imported(ctx, p, ref, image.Digest)
	if err != nil || !have.IsZero() {
		p.Base = have
		return err
	}
	missing, err := image.Missing(ctx, s.Repo())
	if err != nil {
		return err
	}
	p.image = &pendingImage{reference: ref, digest: image.Digest, layers: len(missing)}
	for _, l := range missing {
		p.image.size += l.Size
	}
	p.PullBase, p.Base = true, ostree.Checksum{}
	p.BaseVersion, p.BaseTimestamp = image.Version(), image.Created().UTC().Format(time.RFC3339)
	if !p.origin.Layered() && !p.Change.layers() && !p.Change.boots() {
		return nil
	}
	p.Base, err = s.importImage(ctx, p.image, nil)
	p.PullBase, p.image = false, nil
	return err
}

// checkImage refuses what could not be deployed, or is older than the base.
func (s *System) checkImage(ctx context.Context, p *Plan, image *oci.Image) error {
	if !image.Bootable() {
		return &RequestError{Message: fmt.Sprintf("image %s is not a system that boots: it has neither the label %s nor %s", image.Location, oci.LabelBootable, oci.LabelBootc)}
	}
	if have := image.Architecture(); have != s.opts.Architecture {
		return &RequestError{Message: fmt.Sprintf("image %s is for the architecture %s, not %s", image.Location, have, s.opts.Architecture)}
	}
	if p.Change.AllowDowngrade || p.PresentBase.IsZero() {
		return nil
	}
	present, err := s.Repo().LoadCommit(ctx, p.PresentBase)
	if err != nil {
		return err
	}
	if made := image.Created(); made.Before(present.Timestamp) && image.Digest != oci.ImageDigest(present) {
		return &RequestError{AllowDowngrade: true, Message: fmt.Sprintf("image %s with timestamp %s is chronologically older than current revision %s with timestamp %s",
			image.Digest, made.UTC().Format(time.RFC3339), p.PresentBase, present.Timestamp.UTC().Format(time.RFC3339))}
	}
	return nil
}

// imported finds the commit of an image that is here already: the base of now, or what was imported from the
// same place. It is zero if there is none.
func (s *System) imported(ctx context.Context, p *Plan, ref oci.Reference, digest string) (ostree.Checksum, error) {
	candidates := []ostree.Checksum{p.PresentBase}
	c, err := s.Repo().Resolve(ctx, oci.ImageRef(ref.Location).Ref)
	if err == nil {
		candidates = append(candidates, c)
	} else if !errors.Is(err, ostree.ErrRefNotFound) {
		return c, err
	}
	for _, c := range candidates {
		if c.IsZero() {
			continue
		}
		commit, err := s.Repo().LoadCommit(ctx, c)
		if err != nil {
			return c, err
		}
		// What must be signed is judged by importing it.
		if oci.ImageDigest(commit) == digest && ref.Verify == oci.Unverified {
			return c, nil
		}
		if oci.ImageDigest(commit) == digest && p.boot != nil && c == p.PresentBase && originOf(p.boot[0]).ContainerImage == ref.String() {
			return c, nil
		}
	}
	return ostree.Checksum{}, nil
}

// takeCachedImage makes the image that was imported last the base.
func (s *System) takeCachedImage(ctx context.Context, p *Plan, ref oci.Reference) error {
	c, err := s.Repo().Resolve(ctx, oci.ImageRef(ref.Location).Ref)
	if errors.Is(err, ostree.ErrRefNotFound) {
		return &PartialError{Refspec: ref.String()}
	}
	if err != nil {
		return err
	}
	commit, err := s.Repo().LoadCommit(ctx, c)
	if err != nil {
		return err
	}
	p.ContainerImage, p.ContainerDigest = ref.String(), oci.ImageDigest(commit)
	if err := s.checkDowngrade(ctx, p, c); err != nil {
		return err
	}
	p.Base = c
	return nil
}

func (s *System) imageOptions() oci.Options {
	return oci.Options{HTTP: s.opts.HTTP, Architecture: s.opts.Architecture}
}

// importImage brings an image into the repository.
func (s *System) importImage(ctx context.Context, pending *pendingImage, progress func(oci.ImportProgress)) (ostree.Checksum, error) {
	var none ostree.Checksum
	opts := oci.ImportOptions{Target: pending.reference.Location, Progress: progress}
	if pending.reference.Verify == oci.SignedCommit {
		v, err := s.Repo().CommitVerification(pending.reference.Remote)
		if err != nil {
			return none, err
		}
		if !v.Needed() {
			return none, &RequestError{Message: fmt.Sprintf("remote %q verifies no commits; configure its keys, or use ostree-unverified-registry:", pending.reference.Remote)}
		}
		opts.Verification = v
	}
	from := pending.reference.Location
	if from.Transport == oci.Registry {
		from = at(from, pending.digest) // the tag may have moved on
	}
	image, err := oci.Open(ctx, from, s.imageOptions())
	if err != nil {
		return none, err
	}
	defer image.Close() //nolint:errcheck // opened for reading
	if image.Digest != pending.digest {
		return none, &StaleError{What: "image " + from.String() + " is another one"}
	}
	imported, err := image.Import(ctx, s.Repo(), opts)
	if err != nil {
		return none, err
	}
	return imported.Commit, nil
}

// pullImage fetches the layers of the image that are not here.
func (a *application) pullImage(ctx context.Context, task *step.Task) (err error) {
	a.plan.Base, err = a.system.importImage(ctx, a.plan.image, func(p oci.ImportProgress) {
		task.Progress(fmt.Sprintf("layer %d of %d", min(p.Layer+1, p.Layers), p.Layers), p.Bytes, p.Total, step.Bytes)
	})
	a.commit = a.plan.Base
	return err
}

// dropImages forgets images that no deployment has any more, with their layers.
func (s *System) dropImages(ctx context.Context) error {
	deployments, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	var keep []ostree.Checksum
	for _, d := range deployments {
		base, err := s.Base(ctx, d.Checksum)
		if err != nil {
			return err
		}
		keep = append(keep, base)
	}
	return oci.Prune(ctx, s.Repo(), keep)
}
