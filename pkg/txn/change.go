package txn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// Change is what a user wants of a system. The zero Change wants nothing. Fields combine, except
// that those of the last group stand alone and that only one of Upgrade, Deploy and Rebase chooses
// the base.
type Change struct {
	// Install adds requests: NAME[:ARCH][=VERSION|/SUITE]. Uninstall drops requests by the same words.
	Install   []string `json:"install,omitempty"`
	Uninstall []string `json:"uninstall,omitempty"`
	// UninstallAll drops every request.
	UninstallAll bool `json:"uninstall-all,omitempty"`

	// Upgrade takes the newest commit of the origin's ref as base and resolves the requests anew.
	Upgrade bool `json:"upgrade,omitempty"`
	// Deploy takes this revision as base: a checksum, a version on the origin's ref, or another ref,
	// which the origin then follows. version=V and revision=R say which of them is meant.
	Deploy string `json:"deploy,omitempty"`
	// Rebase follows something else and takes its newest commit as base, or the one it names.
	Rebase *Rebase `json:"rebase,omitempty"`

	// Kargs changes kernel arguments, Initramfs whether the initramfs is made on this machine, and
	// InitramfsEtc which files of /etc are in an initrd of their own.
	Kargs        *Kargs        `json:"kargs,omitempty"`
	Initramfs    *Initramfs    `json:"initramfs,omitempty"`
	InitramfsEtc *InitramfsEtc `json:"initramfs-etc,omitempty"`

	// Rollback makes the deployment before the default one the default.
	Rollback bool `json:"rollback,omitempty"`
	// Finalize lets a staged deployment that is locked take effect at the next shutdown.
	Finalize *Finalize `json:"finalize,omitempty"`

	// Undo takes the last change back: what was deployed before it boots next, packages, overrides and
	// kernel arguments with it.
	Undo bool `json:"undo,omitempty"`
	// Cleanup drops deployments and what was downloaded; Prune drops the oldest deployments.
	Cleanup *Cleanup `json:"cleanup,omitempty"`
	Prune   *Prune   `json:"prune,omitempty"`
	// RefreshMetadata fetches what the archives offer now.
	RefreshMetadata *RefreshMetadata `json:"refresh-md,omitempty"`
	// Pin keeps deployments, or does so no longer.
	Pin *Pin `json:"pin,omitempty"`
	// Unlock makes /usr of the running system writable.
	Unlock deploy.UnlockMode `json:"unlock,omitempty"`

	// InstallLocal adds packages that are files, as [System.AddLocal] names them: DIGEST:NAME_VERSION_ARCH.
	// One that was asked for before in another version is replaced. Uninstall drops them by NAME[:ARCH] or
	// NAME_VERSION_ARCH.
	InstallLocal []string `json:"install-local,omitempty"`
	// ForceReplaceFiles lets the packages of InstallLocal replace files of others, now and in later changes.
	ForceReplaceFiles bool `json:"force-replace-files,omitempty"`

	// OverrideReplaceLocal takes packages of files, named as in InstallLocal, in the place of those of the
	// base. OverrideReplace takes packages of the archives: NAME[:ARCH][=VERSION] the version that is chosen
	// now, which stays; NAME[:ARCH]/SUITE whatever the suite has, at each upgrade.
	OverrideReplaceLocal []string `json:"override-replace-local,omitempty"`
	OverrideReplace      []string `json:"override-replace,omitempty"`
	// Freeze makes versions of OverrideReplace stay that a suite would change.
	Freeze bool `json:"freeze,omitempty"`
	// OverrideRemove leaves packages of the base out, NAME[:ARCH]. OverrideReset takes packages as the
	// base has them again, removed or replaced, by the same words or by the name of what replaces them;
	// OverrideResetAll all of them.
	OverrideRemove   []string `json:"override-remove,omitempty"`
	OverrideReset    []string `json:"override-reset,omitempty"`
	OverrideResetAll bool     `json:"override-reset-all,omitempty"`
	// ResetInitramfs takes the initramfs of the base again.
	ResetInitramfs bool `json:"reset-initramfs,omitempty"`
	// RemoveEssential accepts that OverrideRemove names what the base calls Essential or Protected.
	RemoveEssential bool `json:"remove-essential,omitempty"`

	// AllowInactive accepts requests that the base already provides; they are kept in case a later
	// base does not.
	AllowInactive bool `json:"allow-inactive,omitempty"`
	// Idempotent accepts requests that are there already, or not there to be dropped.
	Idempotent bool `json:"idempotent,omitempty"`
	// AllowDowngrade accepts a base that is older than the present one.
	AllowDowngrade bool `json:"allow-downgrade,omitempty"`
	// CacheOnly uses no network.
	CacheOnly bool `json:"cache-only,omitempty"`
	// NoPull leaves out what is new at the remote; packages are fetched as usual.
	NoPull bool `json:"no-pull-base,omitempty"`
	// SkipBranchCheck accepts a commit that is not in the history of the ref that is followed.
	SkipBranchCheck bool `json:"skip-branch-check,omitempty"`
	// DownloadOnly fetches everything and makes no deployment.
	DownloadOnly bool `json:"download-only,omitempty"`
	// BypassDriver changes the base although another program drives updates; see [UpdateDriver].
	BypassDriver bool `json:"bypass-driver,omitempty"`
	// RegisterDriver makes CallerUnit, the systemd unit that the caller runs in, the update driver, by
	// this name.
	RegisterDriver string `json:"register-driver,omitempty"`
	CallerUnit     string `json:"-"`
	// LockFinalization keeps the new deployment from taking effect at shutdown until a change with
	// Finalize. It is for a running system, where changes are staged.
	LockFinalization bool `json:"lock-finalization,omitempty"`
}

// errNothing is wanted of a Change that wants nothing.
var errNothing = errors.New("the change asks for nothing")

// choosesBase says how the change chooses the base, "" if it keeps it.
func (c Change) choosesBase() []string {
	return chosen{{"upgrade", c.Upgrade}, {"deploy", c.Deploy != ""}, {"rebase", c.Rebase != nil}}.names()
}

// layers says whether the change is about packages on the base, or in it.
func (c Change) layers() bool {
	return len(c.Install)+len(c.InstallLocal)+len(c.Uninstall) > 0 ||
		len(c.OverrideRemove)+len(c.OverrideReplace)+len(c.OverrideReplaceLocal)+len(c.OverrideReset) > 0 || c.UninstallAll || c.OverrideResetAll || c.ResetInitramfs
}

// boots says whether the change is about what is booted, and how.
func (c Change) boots() bool { return c.Kargs != nil || c.Initramfs != nil || c.InitramfsEtc != nil }

// keepsTree says that the same commit is to be deployed again, so that neither remotes nor archives
// are needed.
func (c Change) keepsTree() bool {
	return !c.layers() && len(c.choosesBase()) == 0 && c.Initramfs == nil
}

// alone lists the parts of the change that make no new deployment and so combine with nothing.
func (c Change) alone() []string {
	return chosen{
		{"rollback", c.Rollback}, {"finalize", c.Finalize != nil}, {"cleanup", c.Cleanup != nil}, {"prune", c.Prune != nil},
		{"refresh-md", c.RefreshMetadata != nil}, {"pin", c.Pin != nil}, {"unlock", c.Unlock != ""},
	}.names()
}

// chosen are parts of a change by name, and whether they are asked for.
type chosen []struct {
	name string
	on   bool
}

func (list chosen) names() []string {
	var out []string
	for _, part := range list {
		if part.on {
			out = append(out, part.name)
		}
	}
	return out
}

func (c Change) validate() error {
	alone, base := c.alone(), c.choosesBase()
	makes := c.layers() || len(base) > 0 || c.boots() || c.RegisterDriver != "" || c.Undo
	switch {
	case len(alone) > 1:
		return fmt.Errorf("%s and %s cannot be combined", alone[0], alone[1])
	case len(alone) == 1 && makes:
		return fmt.Errorf("a %s cannot be combined with another change", alone[0])
	case c.Undo && (c.layers() || len(base) > 0 || c.boots()):
		return errors.New("an undo cannot be combined with another change")
	case len(base) > 1:
		return fmt.Errorf("%s and %s both choose the base; ask for one of them", base[0], base[1])
	case len(alone) == 0 && !makes:
		return errNothing
	case c.CacheOnly && c.DownloadOnly:
		return errors.New("to use the cache only and to download only exclude each other")
	case c.NoPull && c.Rebase != nil:
		return errors.New("a rebase has to pull")
	case c.RegisterDriver != "" && c.CallerUnit == "":
		return errors.New("an update driver has to be a systemd unit, and the caller runs in none")
	}
	if c.Rebase != nil {
		if err := c.Rebase.check(); err != nil {
			return err
		}
	}
	for _, name := range c.Install {
		if slices.Contains(c.Uninstall, name) {
			return errors.New(name + ": both to be installed and to be uninstalled")
		}
	}
	for _, name := range c.OverrideRemove {
		if slices.Contains(c.OverrideReset, name) {
			return errors.New(name + ": both to be left out and to be reset")
		}
	}
	return nil
}

// checkStaging refuses what only a running system can do.
func (c Change) checkStaging(running bool) error {
	if running || (!c.LockFinalization && c.Finalize == nil) {
		return nil
	}
	return fmt.Errorf("nothing is staged, so there is no finalization to lock or unlock: %w", deploy.ErrNotBooted)
}
