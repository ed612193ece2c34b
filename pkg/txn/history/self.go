package history

import (
	"os"
	"strconv"
	"strings"
)

// noLogin is the login uid of what no user started (audit_set_loginuid(3)).
const noLogin = 1<<32 - 1

// Self is this process as the one who asks, with the command line that it wants to be known by.
func Self(commandLine string) Actor {
	a := Actor{UID: os.Getuid(), CommandLine: commandLine}
	text, err := os.ReadFile("/proc/self/loginuid")
	if err != nil {
		return a // a kernel without audit
	}
	if uid, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil && uid != noLogin {
		login := int(uid)
		a.LoginUID = &login
	}
	return a
}
