package busapi

import (
	"slices"

	"github.com/godbus/dbus/v5"
)

// table maps the methods of interface.xml to what carries them out.
func (s *Server) table() map[string]func(*call) ([]any, error) {
	return map[string]func(*call) ([]any, error){
		"Sysroot.RegisterClient":    s.registerClient,
		"Sysroot.UnregisterClient":  s.unregisterClient,
		"Sysroot.Reload":            s.reload,
		"Sysroot.ReloadConfig":      s.reloadConfig,
		"Sysroot.GetOS":             s.getOS,
		"Sysroot.GetStatus":         s.getStatus,
		"Sysroot.CancelTransaction": s.cancelTransaction,

		"OS.Change":                  s.osChange,
		"OS.AutomaticUpdateTrigger":  s.automaticUpdateTrigger,
		"OS.GetDeploymentsRpmDiff":   s.getDeploymentsDiff,
		"OS.Deploy":                  s.osDeploy,
		"OS.GetCachedDeployRpmDiff":  s.getCachedDeployDiff,
		"OS.DownloadDeployRpmDiff":   s.downloadDeployDiff,
		"OS.Upgrade":                 s.osUpgrade,
		"OS.GetCachedUpdateRpmDiff":  s.getCachedUpdateDiff,
		"OS.DownloadUpdateRpmDiff":   s.downloadUpdateDiff,
		"OS.Rollback":                s.osRollback,
		"OS.ClearRollbackTarget":     s.clearRollbackTarget,
		"OS.Rebase":                  s.osRebase,
		"OS.GetCachedRebaseRpmDiff":  s.getCachedRebaseDiff,
		"OS.DownloadRebaseRpmDiff":   s.downloadRebaseDiff,
		"OS.PkgChange":               s.pkgChange,
		"OS.SetInitramfsState":       s.setInitramfsState,
		"OS.InitramfsEtc":            s.initramfsEtc,
		"OS.KernelArgs":              s.kernelArgs,
		"OS.GetDeploymentBootConfig": s.getBootConfig,
		"OS.Cleanup":                 s.osCleanup,
		"OS.RefreshMd":               s.refreshMd,
		"OS.ModifyYumRepo":           s.unsupported,
		"OS.ListRepos":               s.unsupported,
		"OS.UpdateDeployment":        s.updateDeployment,
		"OS.FinalizeDeployment":      s.finalizeDeployment,
		"OS.WhatProvides":            s.whatProvides,
		"OS.GetPackages":             s.getPackages,
		"OS.Search":                  s.search,

		"OSExperimental.Moo":              s.moo,
		"OSExperimental.LiveFs":           s.liveFs,
		"OSExperimental.DownloadPackages": s.unsupported,
	}
}

func (s *Server) reload(c *call) ([]any, error) { return nil, s.refresh(c.ctx) }

func (s *Server) reloadConfig(c *call) ([]any, error) {
	if err := s.authorize(c, actReload); err != nil {
		return nil, err
	}
	config, err := LoadConfig(s.opts.ConfigPath)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	// The names on the bus are those the daemon began with.
	config.RpmOstreeCompatibility = s.config.RpmOstreeCompatibility
	changed := config.AutomaticUpdatePolicy != s.config.AutomaticUpdatePolicy
	s.config = config
	s.mu.Unlock()
	if changed {
		for _, names := range s.allNames() {
			s.emit(names.Sysroot(), properties+".PropertiesChanged", names.Interface("Sysroot"),
				map[string]dbus.Variant{"AutomaticUpdatePolicy": dbus.MakeVariant(string(config.AutomaticUpdatePolicy))}, []string{})
		}
	}
	s.idle.touch()
	return nil, s.refresh(c.ctx)
}

// getOS gives the object of a stateroot.
func (s *Server) getOS(c *call) ([]any, error) {
	name := arg[string](c, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		if name = s.state.booted(); name == "" && len(s.state.stateroots) > 0 {
			name = s.state.stateroots[0]
		}
	}
	if slices.Contains(s.state.stateroots, name) {
		return []any{c.names.OS(name)}, nil
	}
	return nil, &ArgumentError{"name", "OS name \"" + name + "\" not found"}
}

func (s *Server) getStatus(*call) ([]any, error) {
	text, err := s.document()
	return []any{text}, err
}

func (s *Server) cancelTransaction(c *call) ([]any, error) {
	if err := s.authorize(c, actCancel); err != nil {
		return nil, err
	}
	return []any{s.cancelActive("CancelTransaction by " + c.sender)}, nil
}

func (s *Server) moo(c *call) ([]any, error) {
	if arg[bool](c, 0) {
		return []any{"🐄\n"}, nil
	}
	return []any{"moo\n"}, nil
}
