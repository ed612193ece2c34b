package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// boot is one boot of a deployment, as ostree-prepare-root notes it in the journal.
type boot struct {
	path  string
	inode uint64
	at    time.Time
}

// bootMessage marks those notes (OSTREE_MESSAGE_DEPLOYMENT of libostree).
const bootMessage = "7170336a73ba4601bad31af888aa0df7"

// of tells whether it was the deployment that a transaction made. A path can be used again, a directory
// with its number cannot. Devices are numbered anew at each boot.
func (b boot) of(r history.Record) bool {
	return b.path == r.DeploymentPath && b.inode == r.DeploymentInode && b.path != ""
}

// boots lists the boots that the journal of the running system knows, the oldest first; none where there
// is no journal, or it may not be read.
func (a *app) boots(ctx context.Context) []boot {
	if a.sysroot != "/" {
		return nil
	}
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--output=json", "MESSAGE_ID="+bootMessage).Output()
	if err != nil {
		return nil
	}
	return parseBoots(out)
}

func parseBoots(journal []byte) []boot {
	var boots []boot
	lines := bufio.NewScanner(bytes.NewReader(journal))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct {
			Path      string `json:"DEPLOYMENT_PATH"`
			Inode     string `json:"DEPLOYMENT_INODE"`
			Timestamp string `json:"__REALTIME_TIMESTAMP"`
		}
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			continue
		}
		inode, ierr := strconv.ParseUint(entry.Inode, 10, 64)
		micro, terr := strconv.ParseInt(entry.Timestamp, 10, 64)
		if ierr == nil && terr == nil {
			boots = append(boots, boot{path: entry.Path, inode: inode, at: time.UnixMicro(micro)})
		}
	}
	return boots
}
