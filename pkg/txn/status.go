package txn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// Status is the state of a system: the document of `status --json`. Keys are rpm-ostree's, so that
// programs which read its status read ours.
type Status struct {
	Deployments []DeploymentStatus `json:"deployments"`
	// Transaction is the running one, as method, sender and object path.
	Transaction []string `json:"transaction"`
	// CachedUpdate is what an automatic check found.
	CachedUpdate *CachedUpdate `json:"cached-update"`
	// FinalizeFailure is why the last shutdown did not make the staged deployment effective.
	FinalizeFailure string        `json:"finalize-failure,omitempty"`
	UpdateDriver    *UpdateDriver `json:"update-driver"`
}

// DeploymentStatus describes one deployment.
type DeploymentStatus struct {
	ID       string `json:"id"`
	Osname   string `json:"osname"`
	Checksum string `json:"checksum"`
	Serial   int    `json:"serial"`
	Booted   bool   `json:"booted"`
	Staged   bool   `json:"staged"`
	// FinalizationLocked says that it does not take effect at shutdown.
	FinalizationLocked bool   `json:"finalization-locked,omitempty"`
	Pinned             bool   `json:"pinned"`
	Unlocked           string `json:"unlocked"`
	// BootFailure is why it was found not to work.
	BootFailure string `json:"boot-failure,omitempty"`
	// LiveReplaced is the commit that was made live in it, LiveInProgress one of which that was interrupted.
	LiveInProgress string `json:"live-inprogress,omitempty"`
	LiveReplaced   string `json:"live-replaced,omitempty"`

	RequestedPackages              []string `json:"requested-packages"`
	RequestedLocalPackages         []string `json:"requested-local-packages"`
	RequestedLocalFileoverride     []string `json:"requested-local-fileoverride-packages"`
	RequestedBaseRemovals          []string `json:"requested-base-removals"`
	RequestedBaseLocalReplacements []string `json:"requested-base-local-replacements"`
	// RequestedBaseRemoteReplacements are pairs of repo=SUITE and a list of packages.
	RequestedBaseRemoteReplacements [][2]any `json:"requested-base-remote-replacements,omitempty"`
	RegenerateInitramfs             bool     `json:"regenerate-initramfs"`
	InitramfsArgs                   []string `json:"initramfs-args,omitempty"`
	InitramfsEtc                    []string `json:"initramfs-etc,omitempty"`

	// Base* are present for deployments with layered packages only.
	BaseChecksum      string         `json:"base-checksum,omitempty"`
	BaseVersion       string         `json:"base-version,omitempty"`
	BaseTimestamp     int64          `json:"base-timestamp,omitempty"`
	LayeredCommitMeta map[string]any `json:"layered-commit-meta,omitempty"`
	BaseCommitMeta    map[string]any `json:"base-commit-meta"`

	Version   string `json:"version,omitempty"`
	Timestamp int64  `json:"timestamp"`
	Origin    string `json:"origin,omitempty"`
	EndOfLife string `json:"endoflife,omitempty"`
	OriginStatus

	PendingBaseChecksum  string `json:"pending-base-checksum,omitempty"`
	PendingBaseVersion   string `json:"pending-base-version,omitempty"`
	PendingBaseTimestamp int64  `json:"pending-base-timestamp,omitempty"`

	// Packages are the requests that are layered; the other requests are met by the base.
	Packages               []string       `json:"packages"`
	Modules                []string       `json:"modules"`
	BaseRemovals           []any          `json:"base-removals"`
	BaseLocalReplacements  []any          `json:"base-local-replacements"`
	BaseRemoteReplacements map[string]any `json:"base-remote-replacements"`
}

// Status describes all deployments of the system, the one that boots next first. It takes no lock
// and needs no privileges.
func (s *System) Status(ctx context.Context) (*Status, error) {
	deployments, err := s.sysroot.Deployments(ctx)
	if err != nil {
		return nil, err
	}
	status := &Status{Deployments: []DeploymentStatus{}}
	if status.FinalizeFailure, err = s.sysroot.FinalizeFailure(); err != nil {
		return nil, err
	}
	if status.UpdateDriver, err = s.UpdateDriver(); err != nil {
		return nil, err
	}
	for _, d := range deployments {
		one, err := s.describe(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("deployment %s: %w", d.Path, err)
		}
		status.Deployments = append(status.Deployments, *one)
	}
	status.CachedUpdate, err = s.loadCachedUpdate(status.Deployments)
	return status, err
}

func (s *System) describe(ctx context.Context, d deploy.Deployment) (*DeploymentStatus, error) {
	commit, err := s.Repo().LoadCommit(ctx, d.Checksum)
	if err != nil {
		return nil, err
	}
	out := &DeploymentStatus{
		ID:     deploymentID(d),
		Osname: d.Stateroot, Checksum: d.Checksum.String(), Serial: d.Serial,
		Booted: d.Booted, Staged: d.Staged, FinalizationLocked: d.Locked, Pinned: d.Pinned, Unlocked: cmp.Or(d.Unlocked, "none"),
		BootFailure: d.BootFailure,
		Version:     commit.Metadata.Str(ostree.MetadataVersion), Timestamp: commit.Timestamp.Unix(),
		EndOfLife:              commit.Metadata.Str(ostree.MetadataEndOfLife),
		RequestedPackages:      []string{},
		RequestedLocalPackages: []string{}, RequestedLocalFileoverride: []string{},
		RequestedBaseRemovals: []string{}, RequestedBaseLocalReplacements: []string{},
		Packages: []string{}, Modules: []string{}, BaseRemovals: []any{},
		BaseLocalReplacements: []any{}, BaseRemoteReplacements: map[string]any{},
	}
	describeOrigin(out, originOf(d))
	if err := s.describeLive(out, d); err != nil {
		return nil, err
	}
	if err := s.describeBase(ctx, out, commit, d.Checksum); err != nil {
		return nil, err
	}
	base := d.Checksum
	if isLayered(commit) {
		base = commit.Parent
	}
	if out.OriginStatus, err = s.originStatus(ctx, originOf(d), base); err != nil {
		return nil, err
	}
	return out, s.describePending(ctx, out)
}

// deploymentID names a deployment as the status does.
func deploymentID(d deploy.Deployment) string {
	return fmt.Sprintf("%s-%s.%d", d.Stateroot, d.Checksum, d.Serial)
}

func describeOrigin(out *DeploymentStatus, o *origin.Origin) {
	out.Origin = o.Refspec
	out.RequestedPackages = append(out.RequestedPackages, o.Requested...)
	out.RequestedLocalPackages = append(out.RequestedLocalPackages, localNames(o.RequestedLocal)...)
	out.RequestedLocalFileoverride = append(out.RequestedLocalFileoverride, localNames(o.RequestedLocalOverride)...)
	out.RequestedBaseRemovals = append(out.RequestedBaseRemovals, o.OverrideRemove...)
	out.RequestedBaseLocalReplacements = append(out.RequestedBaseLocalReplacements, localNames(o.OverrideReplaceLocal)...)
	all := tracked(o)
	for _, suite := range slices.Sorted(maps.Keys(all)) {
		out.RequestedBaseRemoteReplacements = append(out.RequestedBaseRemoteReplacements, [2]any{repoKey + suite, all[suite]})
	}
	out.RegenerateInitramfs, out.InitramfsArgs, out.InitramfsEtc = o.RegenerateInitramfs, o.InitramfsArgs, o.InitramfsEtc
}

// describeBase fills in the base commit of a layered deployment.
func (s *System) describeBase(ctx context.Context, out *DeploymentStatus, commit *ostree.Commit, c ostree.Checksum) error {
	if !isLayered(commit) {
		out.BaseCommitMeta = metadataJSON(commit)
		return nil
	}
	base, err := s.Repo().LoadCommit(ctx, commit.Parent)
	if err != nil {
		return fmt.Errorf("base of layered commit %s: %w", c, err)
	}
	out.BaseChecksum = commit.Parent.String()
	out.BaseVersion = base.Metadata.Str(ostree.MetadataVersion)
	out.BaseTimestamp = base.Timestamp.Unix()
	out.EndOfLife = cmp.Or(out.EndOfLife, base.Metadata.Str(ostree.MetadataEndOfLife))
	out.BaseCommitMeta = metadataJSON(base)
	out.LayeredCommitMeta = metadataJSON(commit)
	if out.BaseRemovals, err = removedJSON(commit); err != nil {
		return err
	}
	if err := describeReplaced(out, commit); err != nil {
		return err
	}
	active, ok := commit.Metadata.Lookup(keyPackage)
	if !ok {
		return nil
	}
	out.Packages, err = active.Strings()
	return err
}

// describePending notes a newer base that is in the repository already.
func (s *System) describePending(ctx context.Context, out *DeploymentStatus) error {
	ref, err := ostree.ParseRefspec(out.Origin)
	if err != nil {
		return nil //nolint:nilerr // pinned to a checksum, or no origin: nothing can be pending
	}
	all, err := s.Repo().Refs(ctx, out.Origin)
	if err != nil {
		return err
	}
	newest, ok := all[ref]
	base := out.BaseChecksum
	if base == "" {
		base = out.Checksum
	}
	if !ok || newest.String() == base {
		return nil
	}
	commit, err := s.Repo().LoadCommit(ctx, newest)
	if err != nil {
		return err
	}
	out.PendingBaseChecksum = newest.String()
	out.PendingBaseVersion = commit.Metadata.Str(ostree.MetadataVersion)
	out.PendingBaseTimestamp = commit.Timestamp.Unix()
	return nil
}

// metadataJSON gives commit metadata as JSON values, without the long lists that status has in
// other places or that nobody reads there.
func metadataJSON(c *ostree.Commit) map[string]any {
	out := map[string]any{}
	for _, e := range c.Metadata {
		switch e.Key {
		case oci.MetadataManifest, oci.MetadataImageConfig, keyPackage, keyRemoved, keyReplaced, keyDebs, "apt-ostree.pkglist", "apt-ostree.treefile":
			continue
		}
		out[e.Key] = jsonValue(e.Value)
	}
	return out
}
