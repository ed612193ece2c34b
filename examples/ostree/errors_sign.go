package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// signMessage returns the peer's text for errors about signatures and keys.
func signMessage(err error) (string, bool) {
	if commit, ok := errors.AsType[*ostree.UnverifiedError](err); ok {
		return unverifiedMessage(commit), true
	}
	var unknown *sign.UnknownEngineError
	var unconfigured *ostree.NoRemoteKeysError
	var none *sign.NoKeysError
	var disabled *sign.DisabledError
	var odd *sign.NotRegularError
	switch {
	case errors.As(err, &unknown):
		return "Requested signature type is not implemented", true
	case errors.As(err, &unconfigured):
		return "No keys found for required signapi type " + unconfigured.Engine, true
	case errors.As(err, &none):
		return fmt.Sprintf("signature: %s: no keys loaded", none.Engine), true
	case errors.As(err, &disabled):
		return "dummy signature type is only for ostree testing", true
	case errors.As(err, &odd) && odd.Err == nil:
		return fmt.Sprintf("File object '%s' is not a regular file", odd.Path), true
	}
	if text, ok := keyMessage(err); ok {
		return text, true
	}
	return signatureMessage(err)
}

// keyMessage is about keys that are not right or not there.
func keyMessage(err error) (string, bool) {
	var already *ostree.AlreadySignedError
	var secret *sign.SecretKeyError
	var missing *sign.KeyNotFoundError
	var separator *ostree.SeparatorError
	var path *ostree.KeyPathError
	var bad *sign.KeyError
	switch {
	case errors.As(err, &path) && errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("opendir(%s): No such file or directory", path.Path), true
	case errors.As(err, &bad):
		kind := "public"
		if bad.Secret {
			kind = "secret"
		}
		text := fmt.Sprintf("Invalid %s %s key: %v", bad.Engine, kind, bad.Err)
		if bad.Place != "" {
			text = bad.Place + ": " + text
		}
		return text, true
	case errors.As(err, &already):
		return "Commit is already signed with GPG key " + already.Key, true
	case errors.As(err, &secret):
		home := secret.Home
		if home == "" {
			home = "<default>"
		}
		return fmt.Sprintf("No gpg key found with ID %s (homedir: %s)", secret.KeyID, home), true
	case errors.As(err, &missing):
		return fmt.Sprintf("GPG: Unable to find key \"%s\"", missing.ID), true
	case errors.As(err, &separator):
		return fmt.Sprintf("Remote \"%s\": key value list contains more than one separator", separator.Remote), true
	}
	return "", false
}

// unverifiedMessage names the commit for GPG, as the peer does.
func unverifiedMessage(e *ostree.UnverifiedError) string {
	text, ok := signatureMessage(e.Err)
	if !ok {
		text = message(e.Err)
	}
	switch {
	case e.Engine == sign.GPG:
		return fmt.Sprintf("Commit %s: %s", e.Commit, text)
	case e.NoMetadata:
		return "Can't verify commit without detached metadata"
	default:
		return "Can't verify commit: " + text
	}
}

// signatureMessage is about signatures of anything.
func signatureMessage(err error) (string, bool) {
	var absent *sign.NoSignatureError
	var invalid *sign.InvalidError
	switch {
	case errors.As(err, &absent):
		switch absent.Engine {
		case sign.GPG:
			return "GPG verification enabled, but no signatures found (use gpg-verify=false in remote config to disable)", true
		case "":
			return "No signatures found", true
		default:
			return absent.Engine + ": commit have no signatures of my type", true
		}
	case !errors.As(err, &invalid):
		return "", false
	}
	switch {
	case invalid.Engine == sign.GPG:
		var b strings.Builder
		for _, s := range slices.Backward(invalid.OpenPGP) {
			b.WriteString(s.Describe("", time.Local))
		}
		return strings.TrimSuffix(b.String(), "\n"), true
	case invalid.Engine == sign.Dummy:
		return fmt.Sprintf("signature: dummy: incorrect signatures found: %d", invalid.Signatures), true
	case len(invalid.Keys) > 3:
		return fmt.Sprintf("%s: Signature couldn't be verified; tried %d keys", invalid.Engine, len(invalid.Keys)), true
	default:
		return fmt.Sprintf("%s: Signature couldn't be verified with: key '%s'", invalid.Engine, strings.Join(invalid.Keys, "'; key '")), true
	}
}
