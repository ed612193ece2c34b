package assemble

import (
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// lineKind is what a line of dpkg's status descriptor reports.
type lineKind int

const (
	lineProcessing lineKind = iota // an action begins
	lineState                      // a package reached a state
	lineError                      // an action failed
	linePrompt                     // dpkg asks about a configuration file
)

// statusLine is one line that dpkg writes to --status-fd, dpkg(1).
type statusLine struct {
	kind    lineKind
	subject string // package, perhaps with architecture; for errors also a file
	value   string // action, state or message
}

// parseStatusLine reads a line. Lines of a form that dpkg(1) does not know are
// reported as not ok: the channel is for progress, and a later dpkg may say more.
func parseStatusLine(line string) (statusLine, bool) {
	verb, rest, ok := strings.Cut(line, ": ")
	if !ok {
		return statusLine{}, false
	}
	switch verb {
	case "processing":
		action, subject, ok := strings.Cut(rest, ": ")
		return statusLine{lineProcessing, subject, action}, ok && subject != ""
	case "status":
		return parseStatus(rest)
	}
	return statusLine{}, false
}

// parseStatus reads "pkg: state", "pkg : error : message" or
// "file : conffile-prompt : …". A package may be qualified as pkg:arch.
func parseStatus(rest string) (statusLine, bool) {
	if subject, tail, ok := strings.Cut(rest, " : "); ok {
		kind, message, _ := strings.Cut(tail, " : ")
		switch kind {
		case "error":
			return statusLine{lineError, subject, message}, true
		case "conffile-prompt", "conffile":
			return statusLine{linePrompt, subject, message}, true
		}
		return statusLine{}, false
	}
	subject, state, ok := strings.Cut(rest, ": ")
	return statusLine{lineState, subject, state}, ok && subject != "" && state != ""
}

// scriptFailure is what dpkg's error message says about a maintainer script.
type scriptFailure struct {
	pkg    string // as dpkg names it, perhaps with architecture
	script string // preinst, postinst, prerm or postrm
	code   int
	signal syscall.Signal
}

var (
	scriptMessage = regexp.MustCompile(`(?:new|old|installed) (\S+) package (pre-installation|post-installation|pre-removal|post-removal) (?:maintainer )?script subprocess (.*)`)
	exitMessage   = regexp.MustCompile(`(?:returned error exit status|failed with exit status) (\d+)`)
	signalMessage = regexp.MustCompile(`killed by signal \(([^)]*)\)`)
)

var scriptNames = map[string]string{
	"pre-installation":  "preinst",
	"post-installation": "postinst",
	"pre-removal":       "prerm",
	"post-removal":      "postrm",
}

// parseScriptFailure recognises the messages of dpkg's maintscript and
// subprocess code, which are in English because the cage's locale is.
func parseScriptFailure(message string) (scriptFailure, bool) {
	m := scriptMessage.FindStringSubmatch(message)
	if m == nil {
		return scriptFailure{}, false
	}
	failure := scriptFailure{pkg: m[1], script: scriptNames[m[2]]}
	if exit := exitMessage.FindStringSubmatch(m[3]); exit != nil {
		code, err := strconv.Atoi(exit[1])
		if err != nil || code > 255 {
			return scriptFailure{}, false
		}
		failure.code = code
	}
	if signal := signalMessage.FindStringSubmatch(m[3]); signal != nil {
		failure.signal = signalByDescription(signal[1])
		failure.code = 128 + int(failure.signal)
	}
	return failure, true
}

// signalByDescription turns what strsignal(3) says in English into the signal.
// The kernel's other signals are of no interest here and give zero.
func signalByDescription(text string) syscall.Signal {
	switch text {
	case "Hangup":
		return syscall.SIGHUP
	case "Interrupt":
		return syscall.SIGINT
	case "Quit":
		return syscall.SIGQUIT
	case "Illegal instruction":
		return syscall.SIGILL
	case "Aborted":
		return syscall.SIGABRT
	case "Bus error":
		return syscall.SIGBUS
	case "Killed":
		return syscall.SIGKILL
	case "Segmentation fault":
		return syscall.SIGSEGV
	case "Broken pipe":
		return syscall.SIGPIPE
	case "Terminated":
		return syscall.SIGTERM
	}
	return 0
}

// scriptPhase guesses which script is running from the action dpkg announced
// and the last state it reported since. It is for scripts that never end: for
// those that fail, dpkg says it in words.
func scriptPhase(action, state string) string {
	switch action {
	case "configure":
		return "postinst"
	case "trigproc":
		return "trigger"
	case "install":
		if state == "" {
			return "preinst"
		}
		return "unpack"
	case "upgrade":
		return upgradePhase(state)
	case "remove", "deconfigure":
		if state == "half-installed" {
			return "postrm"
		}
		return "prerm"
	case "purge", "disappear":
		return "postrm"
	}
	return action
}

// upgradePhase follows deb-postinst(5) and its siblings: prerm of the old
// version, preinst of the new one, the files, postrm of the old one.
func upgradePhase(state string) string {
	switch state {
	case "", "half-configured":
		return "prerm"
	case "unpacked":
		return "preinst"
	}
	return "postrm"
}
