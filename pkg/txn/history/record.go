package history

import (
	"encoding/json"
	"time"
)

// Outcome is how a transaction ended.
type Outcome string

// The outcomes. The first two are of records without an end: the one whose writer lives, and the others.
const (
	Running     Outcome = "running"
	Interrupted Outcome = "interrupted"
	Succeeded   Outcome = "succeeded"
	Failed      Outcome = "failed"
	Canceled    Outcome = "canceled"
)

// Actor is who asked for a transaction.
type Actor struct {
	UID int `json:"uid"`
	// LoginUID is the user who logged in, whoever that became since; nil if that is not known, as of
	// services.
	LoginUID *int `json:"login-uid,omitempty"`
	// Client says which program asked, as it introduced itself, and Unit in which systemd unit it ran.
	Client string `json:"client,omitempty"`
	Unit   string `json:"unit,omitempty"`
	// CommandLine is what the user typed, if that is known.
	CommandLine string `json:"command-line,omitempty"`
}

// Step is a part of a transaction that has ended.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	// Error is why it failed, "" if it succeeded.
	Error string `json:"error,omitempty"`
}

// End is what is known when a transaction is over.
type End struct {
	Finished time.Time `json:"finished,omitzero"`
	Outcome  Outcome   `json:"outcome"`
	// Error and ErrorKind say why it failed.
	Error     string `json:"error,omitempty"`
	ErrorKind string `json:"error-kind,omitempty"`
	// To is the commit of the deployment that boots next, "" if nothing was deployed.
	To string `json:"to,omitempty"`
	// DeploymentPath, with the device and inode of that directory, tells which boots were of this
	// deployment.
	DeploymentPath   string `json:"deployment-path,omitempty"`
	DeploymentDevice uint64 `json:"deployment-device,omitempty"`
	DeploymentInode  uint64 `json:"deployment-inode,omitempty"`
	// Deployment is the deployment as `status --json` described it then.
	Deployment json.RawMessage `json:"deployment,omitempty"`
}

// Record is one transaction.
type Record struct {
	// ID names the record in its store and orders it by time.
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	Actor   Actor     `json:"actor"`
	// Title says what was done, in the words of the command line; Change says the same for programs.
	Title     string          `json:"title"`
	Change    json.RawMessage `json:"change,omitempty"`
	Stateroot string          `json:"stateroot,omitempty"`
	// From is the commit of the deployment that booted next before.
	From  string `json:"from,omitempty"`
	Steps []Step `json:"steps,omitempty"`
	End
}

// Elapsed is how long the transaction took, zero if that is not known.
func (r *Record) Elapsed() time.Duration {
	if r.Finished.IsZero() {
		return 0
	}
	return r.Finished.Sub(r.Started)
}

// line is one line of a record's file: exactly one field is set.
type line struct {
	Begin *Record `json:"begin,omitempty"`
	Step  *Step   `json:"step,omitempty"`
	End   *End    `json:"end,omitempty"`
}
