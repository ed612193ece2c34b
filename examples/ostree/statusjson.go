package main

import (
	"encoding/json"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// statusDeployment is a deployment in the output of status --json.
type statusDeployment struct {
	Checksum           string  `json:"checksum"`
	Stateroot          string  `json:"stateroot"`
	Refspec            *string `json:"refspec"`
	Serial             int     `json:"serial"`
	Index              int     `json:"index"`
	Booted             bool    `json:"booted"`
	Pending            bool    `json:"pending"`
	Rollback           bool    `json:"rollback"`
	FinalizationLocked bool    `json:"finalization-locked"`
	SoftReboot         bool    `json:"soft-reboot-target"`
	Staged             bool    `json:"staged"`
	Pinned             bool    `json:"pinned"`
	Unlocked           string  `json:"unlocked"`
	Version            string  `json:"version,omitempty"`
	SourceTitle        string  `json:"source-title,omitempty"`
}

func printStatusJSON(e *env, all []deploy.Deployment) error {
	list := make([]statusDeployment, len(all))
	for i, d := range all {
		list[i] = statusDeployment{
			Checksum: d.Checksum.String(), Stateroot: d.Stateroot, Serial: d.Serial, Index: d.Index,
			Booted: d.Booted, Pending: d.Pending, Rollback: d.Rollback, Staged: d.Staged, Pinned: d.Pinned,
			FinalizationLocked: d.Locked,
			Unlocked:           "none", Version: d.Version, SourceTitle: d.SourceTitle,
		}
		if d.Unlocked != "" {
			list[i].Unlocked = d.Unlocked
		}
		if refspec := refspecOf(d); refspec != "" {
			list[i].Refspec = &refspec
		}
	}
	text, err := json.MarshalIndent(map[string]any{"deployments": list}, "", "   ")
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	e.println(string(text))
	return nil
}
