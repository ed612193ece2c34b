package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// message fills in the subject and the body, from a file or an editor if that
// was asked for.
func (o *commitFlags) message(ctx context.Context, e *env, commit *ostree.Commit) error {
	if o.bodyFile != "" {
		data, err := os.ReadFile(o.bodyFile)
		if err != nil {
			return fmt.Errorf("openat(%s): %w", o.bodyFile, osReason(err))
		}
		commit.Body = string(data)
	}
	if !o.editor {
		return nil
	}
	text, err := e.edit(ctx, o.template())
	if err != nil {
		return err
	}
	commit.Subject, commit.Body = splitMessage(text)
	if commit.Subject == "" {
		return errors.New("Aborting commit due to empty commit subject.")
	}
	return nil
}

func (o *commitFlags) template() string {
	var b strings.Builder
	for _, part := range []string{o.subject, o.body} {
		if part != "" {
			b.WriteString(part + "\n")
		}
	}
	b.WriteString(`
# Enter the message of the commit: its subject in the first line, more about it
# below. Lines that begin with '#' are left out. Without a subject nothing is
# committed.
#
`)
	if o.branch != "" {
		b.WriteString("# Branch: " + o.branch + "\n")
	}
	return b.String()
}

// splitMessage strips comments and empty lines around the two parts.
func splitMessage(text string) (subject, body string) {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimRight(line, " \t\r\n"))
		}
	}
	subject, body, _ = strings.Cut(strings.Trim(strings.Join(lines, "\n"), "\n"), "\n")
	return strings.TrimSpace(subject), strings.Trim(body, "\n")
}

// edit lets the user change a text with an editor and returns what came out.
func (e *env) edit(ctx context.Context, text string) (string, error) {
	f, err := os.CreateTemp("", ".ostree-commit-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(f.Name()) }() // its text has been read, or there is another error
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	editor := e.editor()
	// The editor may be a command with arguments, so a shell takes it apart.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, "sh", f.Name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.stdin, e.stdout, e.stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("There was a problem with the editor '%s': %w", editor, err)
	}
	data, err := os.ReadFile(f.Name())
	return string(data), err
}

func (e *env) editor() string {
	for _, name := range []string{"OSTREE_EDITOR", "VISUAL", "EDITOR"} {
		if editor := e.getenv(name); editor != "" {
			return editor
		}
	}
	return "vi"
}
