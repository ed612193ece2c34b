package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// deployMessage returns the peer's text for errors about sysroots and deployments.
func deployMessage(err error) (string, bool) {
	var stateroot *deploy.StaterootError
	var none *deploy.NoDeploymentError
	var origin *deploy.NoOriginError
	var unconfigured *deploy.UnconfiguredError
	var unlocked *deploy.UnlockedError
	var booted *deploy.BootedError
	var conflict *etcmerge.ConflictError
	var freeze *deploy.FreezeTestError
	var karg *kargs.NotFoundError
	var ambiguous *kargs.AmbiguousError
	switch {
	case errors.Is(err, deploy.ErrNotBooted):
		return "Not currently booted into an OSTree system", true
	case errors.Is(err, deploy.ErrPinStaged):
		return "Cannot pin staged deployment", true
	case errors.As(err, &stateroot) && stateroot.Name != "":
		return "No such stateroot: " + stateroot.Name, true
	case errors.As(err, &none):
		return fmt.Sprintf("No previous deployment for OS '%s'", none.Stateroot), true
	case errors.As(err, &origin) && origin.Missing:
		return "No origin known for deployment " + origin.Name, true
	case errors.As(err, &origin):
		return "No origin/refspec in current deployment origin; cannot upgrade via ostree", true
	case errors.As(err, &unconfigured):
		return "origin unconfigured-state: " + unconfigured.State, true
	case errors.As(err, &unlocked):
		return "Deployment is already in unlocked state: " + unlocked.State, true
	case errors.As(err, &booted):
		return "Attempting to remove booted deployment", true
	case errors.As(err, &conflict):
		return conflictMessage(conflict), true
	case errors.As(err, &freeze) && freeze.Thawed:
		return "During fsfreeze-thaw: aborting due to test-fifreeze (fifreeze watchdog was run)", true
	case errors.As(err, &karg):
		return fmt.Sprintf("No karg '%s' found", karg.Arg), true
	case errors.As(err, &ambiguous):
		return fmt.Sprintf("Multiple values for key '%s' found", ambiguous.Key), true
	}
	return "", false
}

// stageMessage adds what the peer says before that nothing is booted.
func stageMessage(err error) error {
	if errors.Is(err, deploy.ErrNotBooted) {
		return errors.New("Cannot stage deployment: Not currently booted into an OSTree system")
	}
	return err
}

func conflictMessage(e *etcmerge.ConflictError) string {
	if e.DirectoryDefault {
		return fmt.Sprintf("During /etc merge: Modified config file newly defaults to directory '%s', cannot merge", e.Path)
	}
	return "During /etc merge: " + e.Error()
}

// sysrootMessage returns the peer's text for a sysroot that cannot be opened.
func sysrootMessage(err error) error {
	missing, ok := errors.AsType[*deploy.NotSysrootError](err)
	switch {
	case !ok:
		return err
	case !isDir(missing.Path):
		return fmt.Errorf("opendir(%s): No such file or directory", missing.Path)
	}
	return fmt.Errorf("loading sysroot: opendir(%s): No such file or directory", filepath.ToSlash(missing.Missing))
}
