package apt

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// SnapshotURIs say where the snapshots of archives are, as the options below Acquire::Snapshots::URI of
// APT 3 do: URIs in which "@SNAPSHOTID@" stands for the time and "@PATH@" for the path of the archive's
// own URI; "no" says that there are none. The first of these that knows an archive counts: Override by
// label and origin, the field Snapshots of its Release file, Label, Origin, and the host or its domain.
type SnapshotURIs struct {
	OverrideLabel, OverrideOrigin, Label, Origin, Host map[string]string
}

func (s SnapshotURIs) isZero() bool {
	return s.OverrideLabel == nil && s.OverrideOrigin == nil && s.Label == nil && s.Origin == nil && s.Host == nil
}

func snapshotURIs(c *conf.Config) SnapshotURIs {
	read := func(below string) map[string]string {
		name := "Acquire::Snapshots::URI::" + below
		values := map[string]string{}
		for _, key := range c.Names(name) {
			values[key] = c.Get(name + "::" + key)
		}
		return values
	}
	return SnapshotURIs{read("Override::Label"), read("Override::Origin"), read("Label"), read("Origin"), read("Host")}
}

// find returns the pattern for an archive, "" if none is known.
func (s SnapshotURIs) find(host string, release *archive.Release) string {
	hosts := ""
	for name := host; hosts == "" && name != ""; _, name, _ = strings.Cut(name, ".") {
		hosts = s.Host[name]
	}
	for _, pattern := range []string{
		s.OverrideLabel[release.Label], s.OverrideOrigin[release.Origin], release.Snapshots, s.Label[release.Label], s.Origin[release.Origin], hosts,
	} {
		if pattern != "" {
			return pattern
		}
	}
	return ""
}

// snapshot returns the release to use instead of one whose source asks for a snapshot: that of the same
// suite in the archive as it was at a time. It does not expire. Others are returned as they are.
func (c *Client) snapshot(ctx context.Context, r source.Release, keys *keyrings) (source.Release, error) {
	id := r.Options.Snapshot
	if on, ok := source.ParseBool(id); ok {
		if !on {
			return r, nil
		}
		if id = c.options.Snapshot; id == "" {
			return r, fmt.Errorf("source %s: snapshots are enabled but no time is given: set APT::Snapshot, or the time instead of \"enable\"", r.Options)
		}
	}
	if id == "" {
		return r, nil
	}
	if strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return r, fmt.Errorf("source %s: snapshot %q is not a time like 20240210T000000Z", r.Options, id)
	}
	u, err := url.Parse(r.URI)
	if err != nil {
		return r, err
	}
	// Only the archive as it is now says where its snapshots are. Nothing else of it is used.
	live := r
	live.Options.CheckValidUntil = new(bool)
	now, err := c.refresh(ctx, live, keys)
	if err != nil {
		return r, err
	}
	if now.fresh != nil {
		if err := c.states().save(r, now.fresh); err != nil {
			return r, err
		}
	}
	pattern := c.options.Snapshots.find(u.Hostname(), now.release)
	if pattern == "" || pattern == "no" {
		return r, &ReleaseError{Problem: "it has no snapshots that are known: name them in Acquire::Snapshots::URI, or write the URI of the snapshot instead"}
	}
	r.URI = strings.NewReplacer("@SNAPSHOTID@", id, "@PATH@", strings.Trim(u.Path, "/")).Replace(pattern)
	r.URI = strings.TrimRight(r.URI, "/") + "/"
	r.Options.Snapshot = ""
	r.Options.CheckValidUntil = new(bool)
	return r, nil
}
