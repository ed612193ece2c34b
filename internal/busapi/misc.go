package busapi

import (
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Unsupported are the members that rpm-ostree has and that mean nothing here, and why.
func Unsupported() map[string]string {
	return map[string]string{
		"OS.ModifyYumRepo":                "the sources of APT are files below /etc/apt, to be edited there",
		"OS.ListRepos":                    "the sources of APT are files below /etc/apt, to be read there",
		"OSExperimental.DownloadPackages": "an override follows its source without it",
		"Transaction.DownloadProgress":    "never sent: PercentProgress and Event tell of downloads",
		"Transaction.SignatureProgress":   "never sent: a commit whose signature is wrong is an error",
	}
}

// unsupported answers for them.
func (s *Server) unsupported(c *call) ([]any, error) {
	return nil, &UnsupportedError{c.member, Unsupported()[c.short+"."+c.member]}
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
	return s.submit(c, txn.Change{Finalize: finalize}, o.RunOptions)
}
