package busapi

import (
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// unsupported answers for a method that the system cannot carry out.
func unsupported(c *call, why string) ([]any, error) {
	return nil, &UnsupportedError{c.member, why}
}

const notYet = "not supported by this version"

func (s *Server) clearRollbackTarget(c *call) ([]any, error) { return unsupported(c, notYet) }
func (s *Server) setInitramfsState(c *call) ([]any, error)   { return unsupported(c, notYet) }
func (s *Server) initramfsEtc(c *call) ([]any, error)        { return unsupported(c, notYet) }
func (s *Server) kernelArgs(c *call) ([]any, error)          { return unsupported(c, notYet) }
func (s *Server) getBootConfig(c *call) ([]any, error)       { return unsupported(c, notYet) }
func (s *Server) osCleanup(c *call) ([]any, error)           { return unsupported(c, notYet) }
func (s *Server) liveFs(c *call) ([]any, error)              { return unsupported(c, notYet) }

func (s *Server) modifyRepo(c *call) ([]any, error) {
	return unsupported(c, "the sources of APT are files below /etc/apt; edit them there")
}

func (s *Server) listRepos(c *call) ([]any, error) {
	return unsupported(c, "the sources of APT are files below /etc/apt; read them there")
}

func (s *Server) downloadPackages(c *call) ([]any, error) {
	return unsupported(c, "an override follows its source without it")
}

// finalizeOptions are those of FinalizeDeployment. The system restarts afterwards, as the caller is told nothing
// else to do.
type finalizeOptions struct {
	RunOptions
	Checksum             string `json:"checksum"`
	AllowMissingChecksum bool   `json:"allow-missing-checksum"`
	AllowUnlocked        bool   `json:"allow-unlocked"`
}

func (s *Server) finalizeDeployment(c *call) ([]any, error) {
	var o finalizeOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	o.Reboot = true
	finalize := &txn.Finalize{Checksum: o.Checksum, AllowMissingChecksum: o.AllowMissingChecksum, AllowUnlocked: o.AllowUnlocked}
	return s.submit(c, txn.Change{Finalize: finalize}, o.RunOptions, nil)
}
