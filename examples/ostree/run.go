package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// usageError is an error after which the usage of the command is printed too.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// exitError ends the program with a code and without a message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// run runs a command line and returns the exit code.
func run(ctx context.Context, e *env, args []string) int {
	err := dispatch(ctx, e, root(), "ostree", args)
	err = errors.Join(err, e.close())
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintf(e.stderr, "error: %s\n", message(err))
	return 1
}

// dispatch finds the command in a group: the first argument that is no option.
// The options before it belong to the command too.
func dispatch(ctx context.Context, e *env, group *command, path string, args []string) error {
	name, rest := splitCommand(args)
	if name == "" {
		return noCommand(ctx, e, group, path, args)
	}
	c := group.find(name)
	if c == nil && group.name == "" {
		if err := e.runExtension(name, rest); err != nil {
			return err
		}
	}
	path += " " + name
	switch {
	case c == nil:
		return unknownCommand(e, group, path, name)
	case c.sub != nil:
		return dispatch(ctx, e, c, path, rest)
	default:
		return runCommand(ctx, e, c, path, rest)
	}
}

// splitCommand takes the name of the command out of the arguments. The value of
// --repo or --sysroot may follow as an argument of its own.
func splitCommand(args []string) (string, []string) {
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if args[i] == "--repo" || args[i] == "--sysroot" {
			i++
			continue
		}
		if !strings.HasPrefix(args[i], "-") {
			return args[i], append(args[:i:i], args[i+1:]...)
		}
	}
	return "", args
}

func noCommand(ctx context.Context, e *env, group *command, path string, args []string) error {
	f := newFlags(e)
	if group.flags != nil {
		group.flags(f)
	}
	_, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		printUsage(e.stdout, group, f, path)
		return nil
	case f.version:
		printVersion(e.stdout)
		return nil
	case group.run != nil && f.changed():
		return group.run(ctx, e, nil)
	}
	printUsage(e.stderr, group, f, path)
	if group.name == "" {
		return errors.New("No command specified")
	}
	return fmt.Errorf("No \"%s\" subcommand specified", group.name)
}

func unknownCommand(e *env, group *command, path, name string) error {
	f := newFlags(e)
	if group.flags != nil {
		group.flags(f)
	}
	printUsage(e.stderr, group, f, strings.TrimSuffix(path, " "+name))
	if group.name == "" {
		return fmt.Errorf("Unknown command '%s'", name)
	}
	return fmt.Errorf("Unknown \"%s\" subcommand '%s'", group.name, name)
}

func runCommand(ctx context.Context, e *env, c *command, path string, args []string) error {
	f := newFlags(e)
	if !c.noRepo {
		f.String(&e.repoPath, "repo", "", "PATH", "Path to OSTree repository (defaults to current directory or /sysroot/ostree/repo)")
	}
	if c.flags != nil {
		c.flags(f)
	}
	operands, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		printUsage(e.stdout, c, f, path)
		return nil
	case f.version:
		printVersion(e.stdout)
		return nil
	}
	err = c.run(ctx, e, operands)
	if _, ok := errors.AsType[*usageError](err); ok {
		printUsage(e.stderr, c, f, path)
	}
	return err
}

// extensionDir holds programs that add commands, beside those in $PATH.
const extensionDir = "/usr/libexec/libostree/ext"

// runExtension replaces this process by the program ostree-NAME, if there is
// one. It returns nil if there is none.
func (e *env) runExtension(name string, args []string) error {
	if strings.ContainsRune(name, '/') {
		return nil
	}
	program, err := exec.LookPath("ostree-" + name)
	// A program below "." or a relative entry of $PATH is what the user asked for.
	if err != nil && !errors.Is(err, exec.ErrDot) {
		program, err = exec.LookPath(filepath.Join(extensionDir, "ostree-"+name))
	}
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return nil
	}
	if err := e.close(); err != nil {
		return err
	}
	argv := append([]string{"ostree-" + name}, args...)
	return fmt.Errorf("exec %s: %w", program, syscall.Exec(program, argv, syscall.Environ()))
}
