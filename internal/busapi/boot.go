package busapi

import (
	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (s *Server) setInitramfsState(c *call) ([]any, error) {
	var o bootOptions
	if err := decodeDict(&o, arg[dict](c, 2)); err != nil {
		return nil, err
	}
	on := arg[bool](c, 0)
	change := txn.Change{Initramfs: &txn.Initramfs{Enable: on, Disable: !on, Args: arg[[]string](c, 1)}, LockFinalization: o.LockFinalization}
	return s.submit(c, change, o.RunOptions)
}

// bootOptions are those of the methods about what boots.
type bootOptions struct {
	RunOptions
	LockFinalization bool `json:"lock-finalization"`
}

func (s *Server) initramfsEtc(c *call) ([]any, error) {
	var o bootOptions
	if err := decodeDict(&o, arg[dict](c, 4)); err != nil {
		return nil, err
	}
	etc := &txn.InitramfsEtc{Track: arg[[]string](c, 0), Untrack: arg[[]string](c, 1), UntrackAll: arg[bool](c, 2), ForceSync: arg[bool](c, 3)}
	return s.submit(c, txn.Change{InitramfsEtc: etc, LockFinalization: o.LockFinalization}, o.RunOptions)
}

// kernelArgsOptions are those of KernelArgs.
type kernelArgsOptions struct {
	bootOptions
	AppendIfMissing []string `json:"append-if-missing"`
	DeleteIfPresent []string `json:"delete-if-present"`
	// Final are all arguments, as a user has edited them; what the method's own arguments say does not count then.
	Final *string `json:"final-kernel-args"`
}

// kernelArgs edits the arguments that the caller has seen, "" for those that there are.
func (s *Server) kernelArgs(c *call) ([]any, error) {
	var o kernelArgsOptions
	if err := decodeDict(&o, arg[dict](c, 4)); err != nil {
		return nil, err
	}
	edit := &txn.Kargs{
		Append: arg[[]string](c, 1), Replace: arg[[]string](c, 2), Delete: arg[[]string](c, 3),
		AppendIfMissing: o.AppendIfMissing, DeleteIfPresent: o.DeleteIfPresent,
	}
	if existing := arg[string](c, 0); existing != "" {
		edit.Seen = kargs.Parse(existing)
	}
	if o.Final != nil {
		edit = &txn.Kargs{From: kargs.Parse(*o.Final), Seen: edit.Seen}
	}
	return s.submit(c, txn.Change{Kargs: edit, LockFinalization: o.LockFinalization}, o.RunOptions)
}

// getBootConfig gives what is known about how a deployment boots; of its entry only the arguments.
func (s *Server) getBootConfig(c *call) ([]any, error) {
	stateroot := s.stateroot(c.names, c.path)
	d, err := s.deployment(stateroot, arg[string](c, 0))
	if err != nil {
		return nil, err
	}
	if arg[string](c, 0) == "" && arg[bool](c, 1) {
		if d, err = s.first(stateroot); err != nil {
			return nil, err
		}
	}
	index := s.indexOf(d.ID)
	system, err := s.open(c.ctx, stateroot)
	if err != nil {
		return nil, err
	}
	defer system.Close()
	args, err := system.KernelArguments(c.ctx, &index)
	if err != nil {
		return nil, err
	}
	return []any{dict{
		"options": dbus.MakeVariant(kargs.Args(args).String()), "version": dbus.MakeVariant(d.Version), "staged": dbus.MakeVariant(d.Staged),
	}}, nil
}

// cleanupElements are what Cleanup can be asked for.
func (s *Server) osCleanup(c *call) ([]any, error) {
	cleanup := new(txn.Cleanup)
	for _, element := range arg[[]string](c, 0) {
		switch element {
		case "base":
			cleanup.Base = true
		case "pending-deploy":
			cleanup.Pending = true
		case "rollback-deploy":
			cleanup.Rollback = true
		case "repomd":
			cleanup.Metadata = true
		default:
			return nil, &ArgumentError{"elements", element + ": neither base, pending-deploy, rollback-deploy nor repomd"}
		}
	}
	return s.submit(c, txn.Change{Cleanup: cleanup}, RunOptions{})
}

func (s *Server) clearRollbackTarget(c *call) ([]any, error) {
	var o RunOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	return s.submit(c, txn.Change{Cleanup: &txn.Cleanup{Rollback: true}}, o)
}
