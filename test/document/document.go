// Package document reads the examples out of the project's documents and its table of commands, and the
// session in which a test types them.
package document

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Block is a fenced part of a document.
type Block struct {
	// Section is the heading above it, Language what follows the fence: sh is for what a user types.
	Section, Language string
	Text              string
}

// Blocks lists those of a document in Markdown.
func Blocks(path string) ([]Block, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []Block
	section, fenced := "", false
	for line := range strings.Lines(string(text)) {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && fenced:
			fenced = false
		case fence:
			fenced = true
			all = append(all, Block{Section: section, Language: strings.TrimSpace(language)})
		case fenced:
			all[len(all)-1].Text += line
		case strings.HasPrefix(line, "#"):
			section = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	if fenced {
		return nil, fmt.Errorf("%s: a fence is not closed", path)
	}
	return all, nil
}

// Lines are the command lines of a text that has one in each line, without the comments behind them.
func Lines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " # ")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Examples are those of a command and the commands below it, which help and man pages show.
func Examples(c *cobra.Command) []string {
	lines := Lines(c.Example)
	for _, sub := range c.Commands() {
		lines = append(lines, Examples(sub)...)
	}
	return lines
}
