package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/theory/jsonpath"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// queryStatus prints what a JSONPath (RFC 9535) finds in the document of the status, as an array.
func (a *app) queryStatus(status *txn.Status, expression string) error {
	path, err := jsonpath.Parse(expression)
	if err != nil {
		return fmt.Errorf("--jsonpath=%s: %w", expression, err)
	}
	document, err := status.Document()
	if err != nil {
		return err
	}
	found := []any{}
	found = append(found, path.Select(document)...)
	return a.printJSON(found)
}

// viewStatus works out the differences that the text of the status has. Where the packages are not known,
// as of commits that are pruned or of no Debian system, there are none.
func (a *app) viewStatus(ctx context.Context, status *txn.Status, verbose, advisories bool) (statusView, error) {
	v := statusView{verbose: verbose, advisories: advisories, stateroots: verbose || differ(status.Deployments), update: status.CachedUpdate}
	booted := slices.IndexFunc(status.Deployments, func(d txn.DeploymentStatus) bool { return d.Booted })
	if booted < 0 {
		return v, nil
	}
	running, first := status.Deployments[booted], status.Deployments[0]
	v.live = running.LiveReplaced != ""
	pending := booted > 0 && first.Osname == running.Osname && first.Checksum != running.Checksum
	if !pending && !v.live {
		return v, nil
	}
	system, err := a.system(ctx)
	if err != nil {
		return v, err
	}
	defer system.Close()
	if pending {
		v.pending = packagesBetween(ctx, system, running.Checksum, first.Checksum)
	}
	if v.live {
		v.liveDiff = packagesBetween(ctx, system, running.Checksum, running.LiveReplaced)
	}
	return v, nil
}

// packagesBetween compares the packages of two commits, nil if one of them has no known ones.
func packagesBetween(ctx context.Context, system *txn.System, from, to string) *dpkg.Changes {
	a, aerr := ostree.ParseChecksum(from)
	b, berr := ostree.ParseChecksum(to)
	if aerr != nil || berr != nil {
		return nil
	}
	before, err := system.Packages(ctx, a)
	if err != nil {
		return nil
	}
	after, err := system.Packages(ctx, b)
	if err != nil {
		return nil
	}
	diff := dpkg.Diff(before, after)
	return &diff
}
