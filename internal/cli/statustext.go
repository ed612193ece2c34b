package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// statusView is how status is to be printed.
type statusView struct {
	verbose, advisories bool
	stateroots          bool // of each deployment
	// live says that some deployment has live changes: then commits are told apart.
	live bool
	// pending is the difference between the booted deployment and the first one, liveDiff that to what is
	// live; nil if it is not known.
	pending, liveDiff *dpkg.Changes
	update            *txn.CachedUpdate
	automatic         automaticView
}

func (a *app) printDeployment(d txn.DeploymentStatus, index int, verbose, stateroot bool) {
	a.printDeploymentIn(d, index, statusView{verbose: verbose, stateroots: stateroot})
}

// printDeploymentIn prints the fields in rpm-ostree's order.
func (a *app) printDeploymentIn(d txn.DeploymentStatus, index int, v statusView) {
	mark := "  "
	if d.Booted {
		mark = a.bullet() + " "
	}
	a.printf("%s%s", mark, deploymentTitle(d))
	if v.verbose {
		a.printf(" (index: %d)", index)
	}
	a.printf("\n")
	if len(d.CustomOrigin) == 2 && d.CustomOrigin[1] != "" {
		a.field("CustomOrigin", d.CustomOrigin[1])
	}
	if d.RemoteError != "" {
		a.alarmField("OstreeRemoteStatus", d.RemoteError)
	}
	if title, ok := d.BaseCommitMeta["ostree.source-title"].(string); ok && title != "" {
		a.printf("  %s %s\n", a.glyph("└", "`-"), title)
	}
	a.printCommits(d, v)
	if v.verbose && (d.Staged || index == 0) {
		a.field("Staged", yesNo(d.Staged))
	}
	if d.FinalizationLocked {
		a.field("FinalizationLocked", "yes")
	}
	if v.stateroots {
		a.field("StateRoot", d.Osname)
	}
	a.printSignatures(d.OriginStatus, v.verbose)
	if index == 0 && !d.Booted {
		a.printPendingChanges(d, v)
	}
	a.printOverrides(d, v.verbose)
	if v.verbose {
		a.listField("InactiveRequests", inactive(d))
	}
	a.listField("LayeredPackages", d.Packages)
	a.listField("LocalPackages", d.RequestedLocalPackages)
	a.listField("LocalForcedPackages", d.RequestedLocalFileoverride)
	if d.RegenerateInitramfs {
		a.field("Initramfs", orText(strings.Join(d.InitramfsArgs, " "), "regenerate"))
	}
	if d.CLIWrap {
		a.field("Cliwrap", "enabled")
	}
	a.listField("InitramfsEtc", d.InitramfsEtc)
	if d.Pinned {
		a.field("Pinned", "yes")
	}
	if d.Unlocked != "none" && d.Unlocked != "" {
		a.alarmField("Unlocked", d.Unlocked)
	}
	if d.BootFailure != "" {
		a.alarmField("BootFailure", d.BootFailure)
	}
	if d.EndOfLife != "" {
		a.alarmField("EndOfLife", d.EndOfLife)
	}
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// deploymentTitle is what a deployment follows: for a pinned one where that came from, if it is known.
func deploymentTitle(d txn.DeploymentStatus) string {
	switch {
	case d.ContainerImage != "":
		return d.ContainerImage
	case len(d.CustomOrigin) == 2 && d.CustomOrigin[0] != "":
		return d.CustomOrigin[0]
	case d.Origin != "":
		return d.Origin
	}
	return d.Checksum
}

// printCommits prints what is deployed, and what is live in it.
func (a *app) printCommits(d txn.DeploymentStatus, v statusView) {
	timestamp, base, booted := d.Timestamp, d.Checksum, ""
	if d.BaseChecksum != "" {
		timestamp, base = d.BaseTimestamp, d.BaseChecksum
	}
	if d.LiveReplaced != "" {
		booted = "Booted"
	}
	if d.ContainerDigest != "" {
		a.field("Digest", d.ContainerDigest)
	}
	date := time.Unix(timestamp, 0).UTC().Format(time.RFC3339)
	if d.Version != "" {
		a.field("Version", fmt.Sprintf("%s (%s)", a.bold(d.Version), date))
	} else {
		a.field("Timestamp", date)
	}
	if d.BaseChecksum != "" {
		a.field(booted+"BaseCommit", base)
		if v.verbose || v.live {
			a.field("Commit", d.Checksum)
		}
	} else {
		a.field(booted+"Commit", base)
	}
	print := a.field
	if d.Booted {
		print = a.alarmField
	}
	if d.LiveInProgress != "" {
		print("InterruptedLiveCommit", d.LiveInProgress)
	}
	if d.LiveReplaced != "" {
		print("LiveCommit", d.LiveReplaced)
	}
	if d.LiveReplaced != "" && v.liveDiff != nil {
		a.diffFields("Live", *v.liveDiff, v.verbose)
	}
}

// printSignatures prints what is known of the signatures, where the remote's commits are verified.
func (a *app) printSignatures(o txn.OriginStatus, verbose bool) {
	if o.GPGEnabled == nil || !*o.GPGEnabled {
		return
	}
	switch n := len(o.Signatures); {
	case n == 0:
		a.field("GPGSignature", "(unsigned)")
	case verbose:
		lines := []string{fmt.Sprintf("%d %s", n, plural(n, "signature"))}
		for _, s := range o.Signatures {
			for line := range strings.Lines(s.Text) {
				lines = append(lines, strings.TrimRight(line, "\n"))
			}
		}
		a.field("GPGSignature", strings.Join(lines, "\n"+strings.Repeat(" ", keyWidth+4)))
	default:
		for _, s := range o.Signatures {
			if s.Valid {
				a.field("GPGSignature", "Valid signature by "+s.Fingerprint)
				return
			}
		}
		a.alarmField("GPGSignature", "no valid signature")
	}
}

// printPendingChanges prints what the deployment that boots next brings.
func (a *app) printPendingChanges(d txn.DeploymentStatus, v statusView) {
	if v.update != nil && v.update.Deployment == d.ID {
		a.printAdvisories(v.update.Advisories, keyWidth, v.verbose || v.advisories)
	}
	if v.pending != nil {
		a.diffFields("", *v.pending, v.verbose)
	}
}

// diffFields prints a package difference: counts, or each package with verbose.
func (a *app) diffFields(prefix string, d dpkg.Changes, verbose bool) {
	if d.Empty() {
		return
	}
	if !verbose {
		key := map[string]string{"": "Diff", "Live": "LiveDiff"}[prefix]
		a.field(key, diffSummary(d))
		return
	}
	for _, section := range diffSections(d) {
		a.field(prefix+section.title, section.text(keyWidth+4))
	}
}

func (a *app) alarmField(key, value string) {
	a.printf("  %s: %s\n", a.styled("1;31", fmt.Sprintf("%*s", keyWidth, key)), a.styled("1;31", value))
}

// differ says whether there is more than one stateroot.
func differ(deployments []txn.DeploymentStatus) bool {
	return slices.ContainsFunc(deployments, func(d txn.DeploymentStatus) bool { return d.Osname != deployments[0].Osname })
}
