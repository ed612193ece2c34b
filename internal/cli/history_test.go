package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

func TestHistoryText(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sum := strings.Repeat("a", 64)
	records := []history.Record{
		{
			ID: "2", Started: now.Add(-90 * time.Second), Title: "install: htop", Actor: history.Actor{CommandLine: "apt-ostree install htop", Client: "cli"},
			Steps: []history.Step{{Name: "Deploying", Seconds: 1.5}},
			End: history.End{
				Finished: now.Add(-80 * time.Second), Outcome: history.Succeeded, To: sum, DeploymentPath: "/ostree/deploy/debian/deploy/x.0",
				DeploymentInode: 7, Deployment: json.RawMessage(`{"checksum":"` + sum + `","origin":"debian/stable","version":"12","unlocked":"none"}`),
			},
		},
		{
			ID: "1", Started: now.Add(-26 * time.Hour), Title: "upgrade", Actor: history.Actor{UID: 4242},
			End: history.End{Finished: now.Add(-26 * time.Hour), Outcome: history.Failed, Error: "no network"},
		},
		{ID: "0"},
	}
	line := func(inode, at string) string {
		return `{"DEPLOYMENT_PATH":"/ostree/deploy/debian/deploy/x.0","DEPLOYMENT_DEVICE":"1","DEPLOYMENT_INODE":"` + inode + `","__REALTIME_TIMESTAMP":"` + at + `"}` + "\n"
	}
	journal := line("7", "1772366340000000") + "junk\n" + line("8", "1772366350000000") + line("7", "1772366370000000")
	var out bytes.Buffer
	cli.PrintHistory(&out, records, journal, true, now)
	require.Equal(t, `BootTimestamp: 2026-03-01T11:59:30Z (30s ago)
└ BootCount: 2; first booted on 2026-03-01T11:59:00Z (1min ago)
CreateTimestamp: 2026-03-01T11:58:40Z (1min 20s ago)
CreateCommand: apt-ostree install htop
Change: install: htop
User: root, cli
Outcome: succeeded after 10.0 s
  Deploying: 1.5 s
  debian/stable (index: 0)
                  Version: 12 (1970-01-01T00:00:00Z)
                   Commit: `+sum+`
                   Staged: no
                StateRoot: 

Timestamp: 2026-02-28T10:00:00Z (1d 2h ago)
Change: upgrade
User: uid 4242
Outcome: failed: no network

  << Missing history information >>
`, out.String())

	out.Reset()
	cli.PrintHistory(&out, nil, "", false, now)
	require.Equal(t, "<< No entries found >>\n", out.String())
}
