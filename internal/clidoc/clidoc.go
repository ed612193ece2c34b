// Package clidoc writes the man pages and shell completions of a command line from its table of commands.
package clidoc

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Write writes them below a directory, where they have their places below /usr/share. The pages bear the
// date and the version of the program.
func Write(root *cobra.Command, dir string, date time.Time) error {
	root.DisableAutoGenTag = true
	man := filepath.Join(dir, "man/man1")
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	header := &doc.GenManHeader{Section: "1", Source: root.Name() + " " + root.Version, Manual: root.Name(), Date: &date}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	for name, generate := range map[string]func(string) error{
		filepath.Join("bash-completion/completions", root.Name()): func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"zsh/site-functions/_" + root.Name():                      root.GenZshCompletionFile,
		"fish/vendor_completions.d/" + root.Name() + ".fish":      func(f string) error { return root.GenFishCompletionFile(f, true) },
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := generate(path); err != nil {
			return err
		}
	}
	return nil
}
