package main

import (
	"fmt"
	"io"
)

// libostreeVersion is the release whose behaviour this program has.
const libostreeVersion = "2026.5"

// features names what scripts ask for with "ostree --version"; each works.
func features() []string {
	return []string{
		"composefs",
		"gpgme",
		"initial-var",
		"inode64",
		"libarchive",
		"release",
		"selinux",
		"sign-ed25519",
		"sign-spki",
	}
}

func printVersion(w io.Writer) {
	fmt.Fprintf(w, "libostree:\n Version: '%s'\n Features:\n", libostreeVersion)
	for _, name := range features() {
		fmt.Fprintf(w, "  - %s\n", name)
	}
}
