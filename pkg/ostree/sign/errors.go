package sign

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid is what an [*InvalidError] is.
var ErrInvalid = errors.New("no valid signature")

// ErrNoSignature is what a [*NoSignatureError] is.
var ErrNoSignature = errors.New("no signature")

// A NoSignatureError says that something that must be signed is not, at least
// not in a way that its reader knows. It is [ErrNoSignature].
type NoSignatureError struct {
	Engine string // empty: none of several
}

// Error implements error.
func (e *NoSignatureError) Error() string {
	if e.Engine == "" {
		return "no signature of any kind that is asked for"
	}
	return fmt.Sprintf("no %s signature", e.Engine)
}

// Is makes it equal to the sentinel.
func (e *NoSignatureError) Is(target error) bool { return target == ErrNoSignature }

// An InvalidError says that there are signatures, but not one by a key that is
// trusted, current and not revoked. It is [ErrInvalid].
type InvalidError struct {
	Engine     string
	Signatures int         // how many there were
	Keys       []string    // that were tried, as in [Result.Key]
	OpenPGP    []Signature // what is wrong with each; only for [GPG]
}

// Error implements error.
func (e *InvalidError) Error() string {
	var why []string
	for _, s := range e.OpenPGP {
		why = append(why, s.String())
	}
	if e.Engine != GPG {
		why = append(why, "tried "+e.keys())
	}
	return fmt.Sprintf("none of %d %s signatures is valid: %s", e.Signatures, e.Engine, strings.Join(why, "; "))
}

// keys names a few keys and counts more, since a keyring may be large.
func (e *InvalidError) keys() string {
	if len(e.Keys) > 3 {
		return fmt.Sprintf("%d keys", len(e.Keys))
	}
	return "key " + strings.Join(e.Keys, ", ")
}

// Is makes it equal to the sentinel.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// A NoKeysError says that there is no key to check signatures with.
type NoKeysError struct {
	Engine string
	Places []string // where keys were looked for, may be empty
	Err    error    // why a place gave none, may be nil
}

// Error implements error.
func (e *NoKeysError) Error() string {
	text := fmt.Sprintf("no %s key to check signatures with", e.Engine)
	if len(e.Places) > 0 {
		text += " in " + strings.Join(e.Places, ", ")
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why a place gave no keys.
func (e *NoKeysError) Unwrap() error { return e.Err }

// An UnknownEngineError names an engine that does not exist.
type UnknownEngineError struct{ Engine string }

// Error implements error.
func (e *UnknownEngineError) Error() string {
	return fmt.Sprintf("unknown signature type %q; there are %s and %s", e.Engine, strings.Join(Engines(), ", "), GPG)
}

// A DisabledError says that an engine exists but must not be used here.
type DisabledError struct{ Engine string }

// Error implements error.
func (e *DisabledError) Error() string {
	return fmt.Sprintf("signature type %s protects nothing; it is for tests and must be enabled for them", e.Engine)
}

// A KeyError says that something is not a key.
type KeyError struct {
	Engine string
	Secret bool   // it was to be a secret key
	Place  string // such as the name of a file and a line, may be empty
	Err    error
}

// Error implements error.
func (e *KeyError) Error() string {
	kind := "public"
	if e.Secret {
		kind = "secret"
	}
	text := fmt.Sprintf("not a %s %s key: %v", e.Engine, kind, e.Err)
	if e.Place != "" {
		text = e.Place + ": " + text
	}
	return text
}

// Unwrap returns what is wrong with it.
func (e *KeyError) Unwrap() error { return e.Err }
