package busapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Actions of polkit, without their prefix.
const (
	actInstall      = "install-uninstall-packages"
	actInstallLocal = "install-local-packages"
	actOverride     = "override"
	actDeploy       = "deploy"
	actUpgrade      = "upgrade"
	actRebase       = "rebase"
	actRollback     = "rollback"
	actBootConfig   = "bootconfig"
	actReload       = "reload-daemon"
	actCancel       = "cancel"
	actCleanup      = "cleanup"
	actRefresh      = "repo-refresh"
	actRepoModify   = "repo-modify"
	actClient       = "client-management"
	actFinalize     = "finalize-deployment"
	actLive         = "apply-live"
)

// modifier marks keys of a change that say how, not what: they need no right of their own.
const modifier = ""

// rights says what a caller must be allowed for each key of a change that is set.
func rights() map[string]string {
	return map[string]string{
		"install": actInstall, "uninstall": actInstall, "uninstall-all": actInstall,
		"upgrade": actUpgrade, "deploy": actDeploy, "rebase": actRebase, "register-driver": actDeploy, "rollback": actRollback, "finalize": actFinalize,
		"kargs": actBootConfig, "initramfs": actBootConfig, "initramfs-etc": actBootConfig, "undo": actRollback, "pin": actRollback,
		"cleanup": actCleanup, "prune": actCleanup, "refresh-md": actRefresh, "unlock": actOverride,
		"override-remove": actOverride, "override-reset": actOverride, "override-reset-all": actOverride,
		"override-replace": actOverride, "override-replace-local": actOverride, "freeze": modifier,
		"install-local": actInstallLocal, "force-replace-files": actInstallLocal,
		"remove-essential": actOverride, "reset-initramfs": actBootConfig,
		"allow-inactive": modifier, "idempotent": modifier, "allow-downgrade": modifier, "cache-only": modifier,
		"lock-finalization": modifier, "no-pull-base": modifier, "skip-branch-check": modifier, "download-only": modifier, "bypass-driver": modifier,
	}
}

// required lists the actions that a change needs, sorted. It looks at the change that will be executed, so a key
// that no right is known for is an error and not an oversight. A change without any such key needs the right to
// override, as with rpm-ostree.
func required(c txn.Change) ([]string, error) {
	set, err := dictOf(c)
	if err != nil {
		return nil, err
	}
	all, need := rights(), map[string]bool{}
	for key := range set {
		right, known := all[key]
		if !known {
			return nil, &ArgumentError{key, "no right is defined for it; only root may ask for it"}
		}
		if right != modifier {
			need[right] = true
		}
	}
	if len(need) == 0 {
		return []string{actOverride}, nil
	}
	return slices.Sorted(maps.Keys(need)), nil
}

// authorize refuses a caller who is not root and not allowed every one of the actions.
func (s *Server) authorize(c *call, actions ...string) error {
	uid, err := s.uid(c)
	if err != nil {
		return fmt.Errorf("who is %s: %w", c.sender, err)
	}
	if uid == 0 {
		return nil
	}
	for _, action := range actions {
		allowed, err := s.opts.Authority.Check(c.ctx, c.sender, Native().Bus+"."+action)
		if err != nil {
			return fmt.Errorf("authorization error: %w", err)
		}
		if !allowed {
			return &DeniedError{Action: Native().Bus + "." + action, Method: c.member}
		}
	}
	return nil
}

// authorizeChange asks for what a change needs.
func (s *Server) authorizeChange(c *call, change txn.Change) error {
	uid, err := s.uid(c)
	if err != nil {
		return fmt.Errorf("who is %s: %w", c.sender, err)
	}
	if uid == 0 {
		return nil
	}
	if change.Rebase != nil && strings.HasPrefix(strings.TrimPrefix(change.Rebase.Refspec, "ostree://"), "/") {
		return &DeniedError{Action: "a path is opened for root alone", Method: c.member}
	}
	actions, err := required(change)
	if err != nil {
		return err
	}
	return s.authorize(c, actions...)
}
