package main

import "context"

// A command is a verb with its options, or a group of verbs. One function
// makes each, with the variables that its options fill; so a command that is
// not run costs nothing.
type command struct {
	name     string
	operands string // as in "COMMIT PATH..."
	summary  string // one line for the list of commands
	hidden   bool   // from that list
	noRepo   bool   // has no --repo, and run opens no repository
	flags    func(*flags)
	run      func(ctx context.Context, e *env, args []string) error

	// A group has these instead of run.
	sub []*command
	// orElse stands in the usage of a group where COMMAND does, for options that
	// need no command.
	orElse string
}

// root is the tree of all commands, in the order of the help text.
func root() *command {
	return &command{sub: []*command{
		cmdAdmin(),
		cmdCat(),
		cmdCheckout(),
		cmdChecksum(),
		cmdCommit(),
		cmdConfig(),
		cmdCreateUSB(),
		cmdDiff(),
		cmdExport(),
		cmdFindRemotes(),
		cmdFsck(),
		cmdGPGSign(),
		cmdInit(),
		cmdLog(),
		cmdLs(),
		cmdPrune(),
		cmdPull(),
		cmdPullLocal(),
		cmdRefs(),
		cmdRemote(),
		cmdReset(),
		cmdRevParse(),
		cmdShow(),
		cmdSign(),
		cmdStaticDelta(),
		cmdSummary(),
		cmdTrivialHTTPD(),
	}}
}

func cmdRemote() *command {
	return &command{name: "remote", summary: "Remote commands that may involve internet access", sub: []*command{
		cmdRemoteAdd(),
		cmdRemoteAddCookie(),
		cmdRemoteDelete(),
		cmdRemoteDeleteCookie(),
		cmdRemoteGPGImport(),
		cmdRemoteGPGListKeys(),
		cmdRemoteList(),
		cmdRemoteListCookies(),
		cmdRemoteRefs(),
		cmdRemoteShowURL(),
		cmdRemoteSummary(),
	}}
}

func cmdStaticDelta() *command {
	return &command{name: "static-delta", summary: "Static delta related commands", sub: []*command{
		cmdStaticDeltaApplyOffline(),
		cmdStaticDeltaDelete(),
		cmdStaticDeltaGenerate(),
		cmdStaticDeltaIndexes(),
		cmdStaticDeltaList(),
		cmdStaticDeltaReindex(),
		cmdStaticDeltaShow(),
		cmdStaticDeltaVerify(),
	}}
}

// find returns the command of a name, or nil.
func (c *command) find(name string) *command {
	for _, sub := range c.sub {
		if sub.name == name && (sub.run != nil || sub.sub != nil) {
			return sub
		}
	}
	return nil
}
