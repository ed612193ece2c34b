package txn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// CachedUpdate is what a check for updates found: cached-update of the status. Its keys are
// rpm-ostree's.
type CachedUpdate struct {
	Osname    string `json:"osname"`
	Checksum  string `json:"checksum"`
	Version   string `json:"version,omitempty"`
	Timestamp int64  `json:"timestamp"`
	Origin    string `json:"origin,omitempty"`
	OriginStatus
	// NewCommit says that the ref has another commit than the deployment.
	NewCommit bool `json:"ref-has-new-commit"`
	// Diff is absent if no package changes.
	Diff *UpdateDiff `json:"rpm-diff,omitempty"`
	// Advisories are security updates: id, kind, severity, packages and details of each. Debian's archives
	// say of no update more than that it comes from where security updates come from.
	Advisories [][]any `json:"advisories,omitempty"`
	// Deployment is the ID of the deployment that has the update already.
	Deployment string `json:"deployment,omitempty"`
	// Key is the checksum of the deployment that the check started from: for any other the record is void.
	Key string `json:"update-sha256"`
}

// UpdateDiff is a package difference in the form of rpm-ostree's cached update: each entry begins with
// 0 for a package of the base and 1 for a layered one, and its name.
type UpdateDiff struct {
	Upgraded   [][]any `json:"upgraded"`
	Downgraded [][]any `json:"downgraded"`
	Removed    [][]any `json:"removed"`
	Added      [][]any `json:"added"`
}

// rpm-ostree's numbers for an advisory about security, and for one of which nobody says how severe it is.
const (
	securityAdvisory = 1
	unknownSeverity  = 0
)

func (s *System) cachedUpdateFile(stateroot string) string {
	return filepath.Join(s.cacheDir(stateroot), "cached-update.json")
}

// RecordUpdate keeps what the plan of an upgrade found for the status, or drops the record if there is
// nothing new.
func (s *System) RecordUpdate(ctx context.Context, p *Plan) (*CachedUpdate, error) {
	path := s.cachedUpdateFile(p.Stateroot)
	if p.Unchanged || p.From.IsZero() {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	update, err := s.newCachedUpdate(ctx, p)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(update, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return update, fsx.WriteFile(path, data, 0o644)
}

func (s *System) newCachedUpdate(ctx context.Context, p *Plan) (*CachedUpdate, error) {
	if p.image != nil {
		made, err := time.Parse(time.RFC3339, p.BaseTimestamp)
		return &CachedUpdate{
			Osname: p.Stateroot, Version: p.BaseVersion, Timestamp: made.Unix(), NewCommit: true, Key: p.From.String(),
			OriginStatus: OriginStatus{ContainerImage: p.ContainerImage, ContainerDigest: p.ContainerDigest},
		}, err
	}
	commit, err := s.Repo().LoadCommit(ctx, p.Base)
	if err != nil {
		return nil, err
	}
	from, err := s.Base(ctx, p.From)
	if err != nil {
		return nil, err
	}
	origin, err := s.originStatus(ctx, p.origin, p.Base)
	if err != nil {
		return nil, err
	}
	update := &CachedUpdate{
		Osname: p.Stateroot, Checksum: p.Base.String(), Version: p.BaseVersion, Timestamp: commit.Timestamp.Unix(),
		Origin: p.Refspec, OriginStatus: origin, NewCommit: from != p.Base, Key: p.From.String(),
	}
	if !p.Diff.Empty() {
		update.Diff = updateDiff(p.Diff, p.layered())
		update.Advisories = advisories(p.Diff)
	}
	return update, nil
}

// layered tells which packages of the result are not of the base.
func (p *Plan) layered() map[string]bool {
	out := map[string]bool{}
	for _, pkg := range p.Packages {
		out[pkg.Name] = true
	}
	return out
}

func updateDiff(d dpkg.Changes, layered map[string]bool) *UpdateDiff {
	out := &UpdateDiff{Upgraded: [][]any{}, Downgraded: [][]any{}, Removed: [][]any{}, Added: [][]any{}}
	kind := func(name string) int {
		if layered[name] {
			return 1
		}
		return 0
	}
	changed := func(list []dpkg.Change) [][]any {
		rows := [][]any{}
		for _, c := range list {
			rows = append(rows, []any{
				kind(c.To.Name), c.To.Name,
				[2]string{c.From.Version.String(), c.From.Architecture}, [2]string{c.To.Version.String(), c.To.Architecture},
			})
		}
		return rows
	}
	single := func(list []*apt.Package) [][]any {
		rows := [][]any{}
		for _, p := range list {
			rows = append(rows, []any{kind(p.Name), p.Name, p.Version.String(), p.Architecture})
		}
		return rows
	}
	out.Upgraded, out.Downgraded = changed(d.Upgraded), changed(d.Downgraded)
	out.Removed, out.Added = single(d.Removed), single(d.Added)
	return out
}

// advisories groups what comes from a security archive by source package.
func advisories(d dpkg.Changes) [][]any {
	packages := map[string][]string{}
	for _, c := range d.Upgraded {
		o := c.To.Origin
		if o == nil || !strings.HasSuffix(o.Suite, "-security") && !strings.HasSuffix(o.Codename, "-security") && o.Label != "Debian-Security" {
			continue
		}
		id := fmt.Sprintf("%s (%s)", cmp.Or(c.To.Source, c.To.Name), o.Suite)
		packages[id] = append(packages[id], c.To.Name+"_"+c.To.Version.String()+"_"+c.To.Architecture)
	}
	var out [][]any
	for _, id := range slices.Sorted(maps.Keys(packages)) {
		out = append(out, []any{id, securityAdvisory, unknownSeverity, packages[id], map[string]any{}})
	}
	return out
}

// loadCachedUpdate reads the record. It is void if it is neither about the deployment that boots next nor
// about the one before that, while the first one has the update.
func (s *System) loadCachedUpdate(list []DeploymentStatus) (*CachedUpdate, error) {
	if len(list) == 0 {
		return nil, nil
	}
	data, err := os.ReadFile(s.cachedUpdateFile(list[0].Osname))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var update CachedUpdate
	if err := json.Unmarshal(data, &update); err != nil {
		return nil, nil //nolint:nilerr // of another version of the program: the next check writes it anew
	}
	switch {
	case update.Key == list[0].Checksum:
		return &update, nil
	case len(list) > 1 && update.Key == list[1].Checksum && update.Checksum == cmp.Or(list[0].BaseChecksum, list[0].Checksum):
		update.Deployment = list[0].ID
		return &update, nil
	}
	return nil, nil
}
