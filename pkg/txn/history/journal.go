package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// MessageID marks entries of transactions in the systemd journal (MESSAGE_ID of
// systemd.journal-fields(7)).
const MessageID = "5d9c2f4e8a3b4c6f9e1d7a0b6c5f4e32"

// Journal gives the record as an entry of the systemd journal: its text and its fields. The fields of
// deployments have the names that rpm-ostree gives them.
func (r *Record) Journal() (message string, fields map[string]string) {
	fields = map[string]string{"MESSAGE_ID": MessageID}
	set := func(key, value string) {
		if value != "" {
			fields[key] = value
		}
	}
	set("TRANSACTION_ID", r.ID)
	set("TRANSACTION_TITLE", r.Title)
	set("TRANSACTION_CHANGE", string(r.Change))
	set("TRANSACTION_OUTCOME", string(r.Outcome))
	set("TRANSACTION_ERROR", r.Error)
	set("TRANSACTION_ERROR_KIND", r.ErrorKind)
	set("TRANSACTION_UID", strconv.Itoa(r.Actor.UID))
	if r.Actor.LoginUID != nil {
		set("TRANSACTION_LOGIN_UID", strconv.Itoa(*r.Actor.LoginUID))
	}
	if elapsed := r.Elapsed(); elapsed > 0 {
		set("TRANSACTION_SECONDS", strconv.FormatFloat(elapsed.Seconds(), 'f', 3, 64))
	}
	if len(r.Steps) > 0 {
		steps, _ := json.Marshal(r.Steps) // plain data
		set("TRANSACTION_STEPS", string(steps))
	}
	set("AGENT", r.Actor.Client)
	set("AGENT_SD_UNIT", r.Actor.Unit)
	set("COMMAND_LINE", r.Actor.CommandLine)
	set("DEPLOYMENT_FROM", r.From)
	set("DEPLOYMENT_CHECKSUM", r.To)
	set("DEPLOYMENT_PATH", r.DeploymentPath)
	if r.DeploymentInode != 0 {
		set("DEPLOYMENT_DEVICE", strconv.FormatUint(r.DeploymentDevice, 10))
		set("DEPLOYMENT_INODE", strconv.FormatUint(r.DeploymentInode, 10))
	}
	what := cmp.Or(r.Actor.CommandLine, r.Title)
	switch r.Outcome {
	case Failed, Canceled:
		message = fmt.Sprintf("Transaction %s: %s: %s", r.Outcome, what, firstLine(r.Error))
	default:
		message = fmt.Sprintf("Transaction %s: %s", r.Outcome, what)
	}
	return message, fields
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
