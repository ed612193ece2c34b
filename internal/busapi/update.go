package busapi

import (
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// modifiers are the first argument of UpdateDeployment.
type modifiers struct {
	SetRefspec        *string            `json:"set-refspec"`
	SetRevision       *string            `json:"set-revision"`
	Install           []string           `json:"install-packages"`
	Uninstall         []string           `json:"uninstall-packages"`
	InstallLocal      []dbus.UnixFDIndex `json:"install-local-packages"`
	InstallOverwrite  []dbus.UnixFDIndex `json:"install-fileoverride-local-packages"`
	InstallOverwrite2 []dbus.UnixFDIndex `json:"install-local-fileoverride-packages"`
	OverrideRemove    []string           `json:"override-remove-packages"`
	OverrideReset     []string           `json:"override-reset-packages"`
	OverrideReplace   []string           `json:"override-replace-packages"`
	OverrideLocal     []dbus.UnixFDIndex `json:"override-replace-local-packages"`
}

// updateOptions are the second argument of UpdateDeployment.
type updateOptions struct {
	ChangeOptions
	AllowDowngrade        *bool        `json:"allow-downgrade"`
	NoPullBase            bool         `json:"no-pull-base"`
	NoLayering            bool         `json:"no-layering"`
	NoOverrides           bool         `json:"no-overrides"`
	NoInitramfs           bool         `json:"no-initramfs"`
	CacheOnly             bool         `json:"cache-only"`
	DownloadOnly          bool         `json:"download-only"`
	SkipPurge             bool         `json:"skip-purge"`
	SkipBranchCheck       bool         `json:"skip-branch-check"`
	BypassDriver          bool         `json:"bypass-driver"`
	RegisterDriver        string       `json:"register-driver"`
	CustomOrigin          customOrigin `json:"custom-origin"`
	AllowInactive         bool         `json:"allow-inactive"`
	AllowInactiveRequests bool         `json:"allow-inactive-requests"`
	Idempotent            bool         `json:"idempotent-layering"`
	LockFinalization      bool         `json:"lock-finalization"`
}

// customOrigin is (ss).
type customOrigin struct{ URL, Description string }

// updateDeployment is the method for everything that makes a new deployment.
func (s *Server) updateDeployment(c *call) ([]any, error) {
	var m modifiers
	if err := decodeDict(&m, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	var o updateOptions
	if err := decodeDict(&o, arg[dict](c, 1)); err != nil {
		return nil, err
	}
	if err := conflict(m, o); err != nil {
		return nil, err
	}
	change, files := updateChange(m, o)
	return s.submitWith(c, change, o.ChangeOptions, files)
}

// conflict refuses what contradicts itself, as rpm-ostree does.
func conflict(m modifiers, o updateOptions) error {
	base := m.SetRefspec != nil || m.SetRevision != nil
	override := len(m.OverrideRemove)+len(m.OverrideReset)+len(m.OverrideReplace)+len(m.OverrideLocal) > 0
	for _, c := range []struct {
		bad       bool
		key, text string
	}{
		{o.SkipPurge && m.SetRefspec == nil, "skip-purge", "only with set-refspec"},
		{o.NoPullBase && base, "no-pull-base", "not with set-refspec or set-revision"},
		{o.CacheOnly && o.DownloadOnly, "cache-only", "not with download-only"},
		{o.DryRun && o.DownloadOnly, "dry-run", "not with download-only"},
		{o.NoOverrides && override, "no-overrides", "not with an override"},
	} {
		if c.bad {
			return &ArgumentError{c.key, c.text}
		}
	}
	return nil
}

// updateChange gives the change that the arguments stand for.
func updateChange(m modifiers, o updateOptions) (txn.Change, map[string][]dbus.UnixFDIndex) {
	change := txn.Change{
		Install: m.Install, Uninstall: m.Uninstall, UninstallAll: o.NoLayering,
		AllowInactive: o.AllowInactive || o.AllowInactiveRequests, Idempotent: o.Idempotent, CacheOnly: o.CacheOnly,
		LockFinalization: o.LockFinalization, DownloadOnly: o.DownloadOnly, SkipBranchCheck: o.SkipBranchCheck,
		BypassDriver: o.BypassDriver, RegisterDriver: o.RegisterDriver, OverrideReplace: m.OverrideReplace, OverrideRemove: m.OverrideRemove, OverrideReset: m.OverrideReset,
		OverrideResetAll: o.NoOverrides, ResetInitramfs: o.NoInitramfs,
	}
	files := map[string][]dbus.UnixFDIndex{}
	overwrite := slices.Concat(m.InstallOverwrite, m.InstallOverwrite2)
	for key, list := range map[string][]dbus.UnixFDIndex{InstallLocal: slices.Concat(m.InstallLocal, overwrite), OverrideReplaceLocal: m.OverrideLocal} {
		if len(list) > 0 {
			files[key] = list
		}
	}
	change.ForceReplaceFiles = len(overwrite) > 0
	base := m.SetRefspec != nil || m.SetRevision != nil
	change.AllowDowngrade = base
	if o.AllowDowngrade != nil {
		change.AllowDowngrade = *o.AllowDowngrade
	}
	switch {
	case m.SetRefspec != nil:
		change.Rebase = &txn.Rebase{Refspec: *m.SetRefspec, SkipPurge: o.SkipPurge, CustomURL: o.CustomOrigin.URL, CustomDescription: o.CustomOrigin.Description}
		if m.SetRevision != nil {
			change.Rebase.Revision = *m.SetRevision
		}
	case m.SetRevision != nil:
		change.Deploy = *m.SetRevision
	case !base && !o.NoPullBase:
		change.Upgrade = true
	}
	return change, files
}
