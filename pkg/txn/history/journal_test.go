package history_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	login := 1000
	r := history.Record{
		ID: "x", Started: now, Title: "install: htop", From: "aa",
		Actor: history.Actor{LoginUID: &login, CommandLine: "apt-ostree install htop", Client: "cli", Unit: "session.scope"},
		Steps: []history.Step{{Name: "Deploying", Seconds: 0.5}},
		End: history.End{
			Finished: now.Add(1500 * time.Millisecond), Outcome: history.Succeeded, To: "bb",
			DeploymentPath: "/ostree/deploy/debian/deploy/bb.0", DeploymentDevice: 1, DeploymentInode: 2,
		},
	}
	message, fields := r.Journal()
	require.Equal(t, "Transaction succeeded: apt-ostree install htop", message)
	require.Equal(t, map[string]string{
		"MESSAGE_ID": history.MessageID, "TRANSACTION_ID": "x", "TRANSACTION_TITLE": "install: htop", "TRANSACTION_OUTCOME": "succeeded",
		"TRANSACTION_UID": "0", "TRANSACTION_LOGIN_UID": "1000", "TRANSACTION_SECONDS": "1.500", "TRANSACTION_STEPS": `[{"name":"Deploying","seconds":0.5}]`,
		"AGENT": "cli", "AGENT_SD_UNIT": "session.scope", "COMMAND_LINE": "apt-ostree install htop", "DEPLOYMENT_FROM": "aa",
		"DEPLOYMENT_CHECKSUM": "bb", "DEPLOYMENT_PATH": "/ostree/deploy/debian/deploy/bb.0", "DEPLOYMENT_DEVICE": "1", "DEPLOYMENT_INODE": "2",
	}, fields)
	for name := range fields {
		require.Regexp(t, regexp.MustCompile(`^[A-Z][A-Z_]*$`), name, "names that the journal accepts")
	}

	r.End = history.End{Outcome: history.Failed, Error: "no space\nleft"}
	message, fields = r.Journal()
	require.Equal(t, "Transaction failed: apt-ostree install htop: no space", message)
	require.Equal(t, "no space\nleft", fields["TRANSACTION_ERROR"])
}

func TestSelf(t *testing.T) {
	t.Parallel()
	self := history.Self("apt-ostree undo")
	require.Equal(t, "apt-ostree undo", self.CommandLine)
	if self.LoginUID != nil {
		require.GreaterOrEqual(t, *self.LoginUID, 0)
		require.Less(t, *self.LoginUID, 1<<32-1)
	}
}
