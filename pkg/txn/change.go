package txn

import (
	"errors"
	"slices"
)

// Change is what a user wants of a system. The zero Change wants nothing. Fields combine, except
// that Rollback stands alone and that only one of Upgrade and Deploy chooses the base.
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
	// Rollback makes the deployment before the default one the default.
	Rollback bool `json:"rollback,omitempty"`

	// AllowInactive accepts requests that the base already provides; they are kept in case a later
	// base does not.
	AllowInactive bool `json:"allow-inactive,omitempty"`
	// Idempotent accepts requests that are there already, or not there to be dropped.
	Idempotent bool `json:"idempotent,omitempty"`
	// AllowDowngrade accepts a base that is older than the present one.
	AllowDowngrade bool `json:"allow-downgrade,omitempty"`
	// CacheOnly uses no network.
	CacheOnly bool `json:"cache-only,omitempty"`
}

// errNothing is wanted of a Change that wants nothing.
var errNothing = errors.New("the change asks for nothing")

func (c Change) validate() error {
	layering := len(c.Install) > 0 || len(c.Uninstall) > 0 || c.UninstallAll
	switch {
	case c.Rollback && (layering || c.Upgrade || c.Deploy != ""):
		return errors.New("a rollback cannot be combined with another change")
	case c.Upgrade && c.Deploy != "":
		return errors.New("upgrade and deploy both choose the base; ask for one of them")
	case !c.Rollback && !layering && !c.Upgrade && c.Deploy == "":
		return errNothing
	}
	for _, name := range c.Install {
		if slices.Contains(c.Uninstall, name) {
			return errors.New(name + ": both to be installed and to be uninstalled")
		}
	}
	return nil
}
