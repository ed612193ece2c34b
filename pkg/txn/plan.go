package txn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Plan is what a change means for one system: what Apply will do, and what a preview shows.
// It is plain data and encodes to JSON; Diff is then the pkgdiff of [DiffDocument].
type Plan struct {
	Change    Change          `json:"change"`
	Stateroot string          `json:"stateroot"`
	From      ostree.Checksum `json:"from,omitzero"`
	// Base is the commit that is deployed, or layered upon. For a rollback it is the deployed commit,
	// layered or not.
	Base        ostree.Checksum `json:"base,omitzero"`
	BaseVersion string          `json:"base-version,omitempty"`
	// BaseTimestamp is when the base was made, as in RFC 3339. PresentBase is the base of now.
	BaseTimestamp string          `json:"base-timestamp,omitempty"`
	PresentBase   ostree.Checksum `json:"present-base,omitzero"`
	// Refspec is what the origin follows.
	Refspec string `json:"refspec,omitempty"`
	// ContainerImage is the image that it follows instead, with the digest of what the change takes as base.
	// Base is zero until Apply if the image is not here and nothing is layered on it.
	ContainerImage  string `json:"container-image-reference,omitempty"`
	ContainerDigest string `json:"container-image-reference-digest,omitempty"`
	// Requested are all requests after the change; those in Inactive are met by the base.
	Requested []string          `json:"requested"`
	Inactive  map[string]string `json:"inactive,omitempty"`
	// RequestedLocal are all local packages after the change, DIGEST:NAME_VERSION_ARCH. Those that the base
	// has are in Inactive by NAME_VERSION_ARCH.
	RequestedLocal []string `json:"requested-local"`
	// Packages are what is layered on the base, sorted by name.
	Packages []PackageRef `json:"packages"`
	// Removed are the packages of the base that are left out; InactiveRemovals are to be left out and
	// the base has none such.
	Removed          []PackageRef `json:"removed"`
	InactiveRemovals []string     `json:"inactive-removals,omitempty"`
	// Replaced are the packages of the base that others take the place of; InactiveReplacements would and
	// the base has nothing to replace, NAME_VERSION_ARCH or NAME/SUITE.
	Replaced             []Replacement `json:"replaced"`
	InactiveReplacements []string      `json:"inactive-replacements,omitempty"`
	// Diff is the difference to the deployment the plan starts from.
	Diff dpkg.Changes `json:"-"`
	// DownloadSize is in bytes and leaves out what the cache has; InstalledSize is of Packages.
	DownloadSize  int64 `json:"download-size"`
	InstalledSize int64 `json:"installed-size"`
	// Unchanged says that the system is already as wanted; Apply then does nothing.
	Unchanged bool `json:"unchanged"`
	// Digest names everything that the result depends on. Assembled is a commit that was made from
	// the same, zero if there is none.
	Digest    string          `json:"digest"`
	Assembled ostree.Checksum `json:"assembled,omitzero"`

	// PullBase says that the base is to be downloaded.
	PullBase bool `json:"pull-base"`
	// Stage says that the new deployment takes effect when the system shuts down.
	Stage bool `json:"stage"`

	// standalone does a change that makes no new deployment.
	standalone []step.Step

	// EtcConflicts are local changes of configuration that meet changed defaults; they stay.
	EtcConflicts []etcmerge.Conflict `json:"etc-conflicts,omitempty"`
	// Return names the deployment, CHECKSUM.SERIAL, that is the first again after a rollback or an undo.
	Return string `json:"return,omitempty"`
	// Dropped are the deployments that the change drops, as STATEROOT/CHECKSUM.SERIAL.
	Dropped []string `json:"dropped,omitempty"`
	// Warnings are what the user should know before it is applied.
	Warnings []string `json:"warnings,omitempty"`
	// Kargs are the kernel arguments after the change, without what names the deployment.
	Kargs []string `json:"kernel-arguments"`
	// InitramfsOverlay is the checksum of the initrd with files of /etc, "" if there is none.
	InitramfsOverlay string `json:"initramfs-overlay,omitempty"`

	kept     ostree.Checksum // the commit to deploy, if it is known already
	initrd   []byte
	from     baseSource
	image    *pendingImage
	purge    string // a ref that is no longer followed
	origin   *origin.Origin
	solution *solve.Solution
	base     []*apt.Package
	archive  *archiveState
	boot     []deploy.Deployment // of the stateroot
	all      []deploy.Deployment
}

// PackageRef names one version of one package.
type PackageRef struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Suite        string `json:"suite,omitempty"`
	Size         int64  `json:"size"`
	SHA256       string `json:"sha256,omitempty"`
}

// NewPackageRef names p.
func NewPackageRef(p *apt.Package) PackageRef {
	ref := PackageRef{Name: p.Name, Version: p.Version.String(), Architecture: p.Architecture, Size: p.Size, SHA256: p.SHA256}
	if p.Origin != nil {
		ref.Suite = p.Origin.Suite
	}
	return ref
}

// Plan works out what a change means. It writes nothing but the cache of archive metadata.
func (s *System) Plan(ctx context.Context, c Change) (*Plan, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	all, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	deployments, stateroot, err := s.ofStateroot(all)
	if err != nil {
		return nil, err
	}
	p := &Plan{Change: c, Stateroot: stateroot, Stage: running(all), Requested: []string{}, RequestedLocal: []string{}, Packages: []PackageRef{}, Removed: []PackageRef{}, Replaced: []Replacement{}, Kargs: []string{}, boot: deployments, all: all}
	if err := c.checkStaging(p.Stage); err != nil {
		return nil, err
	}
	if err := s.checkDriver(ctx, c); err != nil {
		return nil, err
	}
	if alone, err := s.planAlone(ctx, p); alone || err != nil {
		return p, err
	}
	if c.Undo {
		return p, s.planUndo(ctx, p)
	}
	if err := s.planOrigin(ctx, p); err != nil {
		return nil, err
	}
	if c.keepsTree() {
		p.kept = p.From
	} else if err := s.planPackages(ctx, p); err != nil {
		return nil, err
	}
	if err := s.planBoot(ctx, p); err != nil {
		return nil, err
	}
	if err := errors.Join(s.planEtc(ctx, p), s.checkDownload(p)); err != nil {
		return nil, err
	}
	return p, s.planDiff(ctx, p)
}

// known lists the packages of a commit; none if it is not one of a Debian system, which can be
// deployed and rolled back to all the same.
func (s *System) known(ctx context.Context, c ostree.Checksum) ([]*apt.Package, error) {
	packages, err := s.Packages(ctx, c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return packages, err
}

// originOf is the origin for what is made from a deployment, empty if that has none. Requests are
// sorted, since order never matters.
func originOf(d deploy.Deployment) *origin.Origin {
	if d.Origin == nil {
		return new(origin.Origin)
	}
	o := d.Origin.Derive()
	slices.Sort(o.Requested)
	return o
}

// planDiff compares with the deployment that the plan starts from and finds out whether anything
// would change.
func (s *System) planDiff(ctx context.Context, p *Plan) error {
	if p.image != nil { // what is in it comes out when it is here
		p.Digest, p.DownloadSize = p.image.digest, p.image.size
		return nil
	}
	commit, err := s.Repo().LoadCommit(ctx, p.Base)
	if err != nil {
		return err
	}
	p.BaseVersion = commit.Metadata.Str(ostree.MetadataVersion)
	p.BaseTimestamp = commit.Timestamp.UTC().Format(time.RFC3339)
	p.Digest = p.digest()
	if p.From.IsZero() {
		return nil
	}
	result, err := s.resulting(ctx, p)
	if err != nil {
		return err
	}
	before, err := s.known(ctx, p.From)
	if err != nil {
		return err
	}
	p.Diff = dpkg.Diff(before, result)
	if err := s.findAssembled(ctx, p); err != nil {
		return err
	}
	p.Unchanged = p.commit() == p.From && p.origin.Equal(originOf(p.boot[0])) && p.bootsAlike()
	return nil
}

// resulting lists the packages that the planned commit would hold.
func (s *System) resulting(ctx context.Context, p *Plan) ([]*apt.Package, error) {
	switch {
	case !p.kept.IsZero():
		return s.known(ctx, p.kept)
	case p.solution != nil:
		return p.solution.Resulting, nil
	}
	return s.known(ctx, p.Base)
}

// findAssembled looks for a deployment that was assembled from the same things: rolling back and
// asking again then costs a checkout only.
func (s *System) findAssembled(ctx context.Context, p *Plan) error {
	for _, d := range p.boot {
		commit, err := s.Repo().LoadCommit(ctx, d.Checksum)
		if err != nil {
			return err
		}
		if p.assembles() && commit.Metadata.Str(keyDigest) == p.Digest {
			p.Assembled = d.Checksum
			return nil
		}
	}
	return nil
}

// active are the requests that the base does not meet.
func (p *Plan) active() []string {
	out := []string{}
	for _, r := range p.Requested {
		if _, inactive := p.Inactive[r]; !inactive {
			out = append(out, r)
		}
	}
	return out
}

// assembles says whether the deployed commit differs from the base.
func (p *Plan) assembles() bool {
	return len(p.Packages)+len(p.Removed)+len(p.Replaced) > 0 || p.origin.RegenerateInitramfs
}

// commit is what is to be deployed; zero if it is still to be assembled.
func (p *Plan) commit() ostree.Checksum {
	switch {
	case !p.kept.IsZero():
		return p.kept
	case !p.assembles():
		return p.Base
	}
	return p.Assembled
}

// assemblyVersion is part of the digest: raise it when the same packages on the same base are
// assembled to another tree.
const assemblyVersion = 2

// digest is over everything the layered tree depends on.
func (p *Plan) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "assembly %d\nbase %s\nrequests %q\n", assemblyVersion, p.Base, p.active())
	for _, pkg := range p.Packages {
		io.WriteString(h, pkg.Name+" "+pkg.Version+" "+pkg.Architecture+" "+pkg.SHA256+"\n") //nolint:errcheck // a hash never fails to be written
	}
	for _, pkg := range p.Removed {
		fmt.Fprintf(h, "without %s %s\n", pkg.Name, pkg.Architecture)
	}
	for _, r := range p.Replaced {
		fmt.Fprintf(h, "replaced %s %s %s %s\n", r.To.Name, r.To.Version, r.To.Architecture, r.To.SHA256)
	}
	for _, pkg := range p.overwriting() {
		fmt.Fprintf(h, "overwriting %s\n", pkg.Name)
	}
	if p.origin.RegenerateInitramfs {
		fmt.Fprintf(h, "initramfs %q\n", p.origin.InitramfsArgs)
	}
	return hex.EncodeToString(h.Sum(nil))
}
