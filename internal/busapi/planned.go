package busapi

import (
	"errors"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// preview answers what a change would do, without network.
func (s *Server) preview(c *call, change txn.Change) ([]any, error) {
	if err := s.authorize(c, actRefresh); err != nil {
		return nil, err
	}
	change.CacheOnly = true
	stateroot := s.stateroot(c.names, c.path)
	system, err := s.open(c.ctx, stateroot)
	if err != nil {
		return nil, err
	}
	plan, err := system.Plan(c.ctx, change)
	if err = errors.Join(err, system.Close()); err != nil {
		return nil, err
	}
	return []any{diffEntries(plan.Diff), updateDetails(stateroot, plan)}, nil
}

func updateDetails(stateroot string, plan *txn.Plan) dict {
	return dict{
		"osname": dbus.MakeVariant(stateroot), "checksum": dbus.MakeVariant(plan.Base.String()),
		"version": dbus.MakeVariant(plan.BaseVersion), "origin": dbus.MakeVariant(plan.Refspec),
	}
}

func (s *Server) getCachedDeployDiff(c *call) ([]any, error) {
	return s.preview(c, txn.Change{Deploy: arg[string](c, 0), Install: arg[[]string](c, 1), AllowDowngrade: true})
}

func (s *Server) getCachedUpdateDiff(c *call) ([]any, error) {
	if id := arg[string](c, 0); id != "" {
		if _, err := s.deployment(s.stateroot(c.names, c.path), id); err != nil {
			return nil, err
		}
	}
	return s.preview(c, txn.Change{Upgrade: true, AllowDowngrade: true})
}

func (s *Server) getCachedRebaseDiff(c *call) ([]any, error) {
	return s.preview(c, txn.Change{Rebase: &txn.Rebase{Refspec: arg[string](c, 0)}, Install: arg[[]string](c, 1), AllowDowngrade: true})
}

// download makes a transaction that fetches what a preview then shows.
func (s *Server) download(c *call, change txn.Change) ([]any, error) {
	if err := s.authorize(c, actRefresh); err != nil {
		return nil, err
	}
	r := &request{method: c.member, stateroot: s.stateroot(c.names, c.path), change: change, title: "package-diff", options: RunOptions{DryRun: true}}
	return s.begin(c, r)
}

func (s *Server) downloadDeployDiff(c *call) ([]any, error) {
	return s.download(c, txn.Change{Deploy: arg[string](c, 0), Install: arg[[]string](c, 1), AllowDowngrade: true})
}

func (s *Server) downloadRebaseDiff(c *call) ([]any, error) {
	return s.download(c, txn.Change{Rebase: &txn.Rebase{Refspec: arg[string](c, 0)}, Install: arg[[]string](c, 1), AllowDowngrade: true})
}

func (s *Server) downloadUpdateDiff(c *call) ([]any, error) {
	if err := s.authorize(c, actRefresh); err != nil {
		return nil, err
	}
	return s.begin(c, &request{
		method: c.member, stateroot: s.stateroot(c.names, c.path), title: "package-diff", change: txn.Change{Upgrade: true, AllowDowngrade: true},
		work: (*transaction).check,
	})
}

// refreshMd fetches the metadata of the archives.
func (s *Server) refreshMd(c *call) ([]any, error) {
	var o struct {
		RunOptions
		Force bool `json:"force"`
	}
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	return s.submit(c, txn.Change{RefreshMetadata: &txn.RefreshMetadata{Force: o.Force}}, o.RunOptions)
}
