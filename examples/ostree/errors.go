package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// message returns the peer's text for an error of the library, because scripts
// compare them. An error that has none speaks for itself.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "Operation was cancelled"
	}
	for _, area := range []func(error) (string, bool){
		deltaMessage,
		signMessage,
		fetchMessage,
		pullMessage,
		refMessage,
		remoteMessage,
		configMessage,
		commitMessage,
		objectMessage,
		maintMessage,
		deployMessage,
	} {
		if text, ok := area(err); ok {
			return text
		}
	}
	return systemText(err)
}

// systemText spells what the kernel says like the C library does, with a capital
// letter.
func systemText(err error) string {
	text := err.Error()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if before, found := strings.CutSuffix(text, errno.Error()); found {
			said := errno.Error()
			return before + strings.ToUpper(said[:1]) + said[1:]
		}
	}
	return text
}

func refMessage(err error) (string, bool) {
	var notFound *ostree.RefNotFoundError
	var ambiguous *ostree.AmbiguousRevError
	var noParent *ostree.NoParentError
	var conflict *ostree.RefConflictError
	var alias *ostree.AliasError
	var aliased *ostree.RefAliasedError
	var refspec *ostree.RefspecError
	var collection *ostree.CollectionIDError
	switch {
	case errors.As(err, &notFound):
		return fmt.Sprintf("Refspec '%s' not found", notFound.Rev), true
	case errors.As(err, &ambiguous):
		return fmt.Sprintf("Refspec '%s' not unique", ambiguous.Rev), true
	case errors.As(err, &noParent):
		return fmt.Sprintf("Commit %s has no parent", noParent.Commit), true
	case errors.As(err, &conflict) && conflict.Above:
		return fmt.Sprintf("openat(%s): Not a directory", conflict.Path), true
	case errors.As(err, &conflict):
		return fmt.Sprintf("Conflict: %s exists under %s when attempting write",
			strings.TrimPrefix(conflict.Other, conflict.Ref+"/"), conflict.Ref), true
	case errors.As(err, &alias) && alias.Remote:
		return fmt.Sprintf("Cannot create alias to remote ref: %s", cmp.Or(alias.Alias.Remote, alias.Target.Remote)), true
	case errors.As(err, &alias):
		return fmt.Sprintf("Cannot create alias to non-existent ref: %s", alias.Target), true
	case errors.As(err, &aliased):
		return fmt.Sprintf("Ref '%s' has an active alias: '%s'", aliased.Ref, aliased.Alias), true
	case errors.As(err, &refspec):
		return fmt.Sprintf("Invalid refspec %s", refspec.Text), true
	case errors.As(err, &collection):
		return fmt.Sprintf("Invalid collection ID %s", collection.ID), true
	}
	return "", false
}

func remoteMessage(err error) (string, bool) {
	var notFound *ostree.RemoteNotFoundError
	var exists *ostree.RemoteExistsError
	var twice *ostree.RemoteTwiceError
	var name *ostree.RemoteNameError
	switch {
	case errors.As(err, &notFound):
		return fmt.Sprintf("Remote \"%s\" not found", notFound.Remote), true
	case errors.As(err, &exists):
		place := exists.Path
		if exists.InConfig {
			place = "(in config)"
		}
		return fmt.Sprintf("Remote configuration for \"%s\" already exists: %s", exists.Remote, place), true
	case errors.As(err, &twice):
		return fmt.Sprintf("Multiple specifications found for remote \"%s\"", twice.Remote), true
	case errors.As(err, &name):
		return fmt.Sprintf("Invalid remote name %s", name.Name), true
	}
	return "", false
}

func configMessage(err error) (string, bool) {
	var config *ostree.ConfigError
	if !errors.As(err, &config) {
		return "", false
	}
	switch config.Key {
	case "mode":
		return fmt.Sprintf("Invalid mode '%s' in repository configuration", config.Value), true
	case "min-free-space-size":
		return fmt.Sprintf("Invalid min-free-space-size '%s': It should be of the format '123MB', '123GB' or '123TB'", config.Value), true
	case "default-repo-finders":
		return fmt.Sprintf("Invalid configured repo-finder '%s'", config.Value), true
	case "bootloader":
		return fmt.Sprintf("Invalid bootloader configuration: '%s'", config.Value), true
	}
	return "", false
}

// openError is an error of opening a repository.
type openError struct {
	path string
	err  error
}

func openMessage(path string, err error) error { return &openError{path, err} }

func (e *openError) Error() string {
	if errors.Is(e.err, fs.ErrNotExist) {
		path, err := filepath.Abs(e.path)
		if err != nil {
			path = e.path
		}
		if isDir(path) {
			path = "objects"
		}
		return fmt.Sprintf("opening repo: opendir(%s): No such file or directory", path)
	}
	if text, ok := configMessage(e.err); ok {
		return "opening repo: " + text
	}
	return "opening repo: " + e.err.Error()
}

func (e *openError) Unwrap() error { return e.err }

// errIsDirectory is what reading a directory gives.
var errIsDirectory = errors.New("Can't open directory")

// pathMessage returns the peer's text for a path that a tree lacks.
func pathMessage(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("No such file or directory: /%s", strings.TrimPrefix(path, "/"))
	}
	if errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("Not a directory: /%s", strings.TrimPrefix(path, "/"))
	}
	return err
}

// noFile is what GLib says when a file on disk cannot be looked at.
func noFile(path string, err error) error {
	reason := err
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		reason = errors.New(errnoText(errno))
	}
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return fmt.Errorf("Error when getting information for file “%s”: %w", path, reason)
}

// errnoText is what the C library calls an error, which begins with a capital.
func errnoText(errno syscall.Errno) string {
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
