package main

import (
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// deltaMessage returns the peer's text for errors about static deltas.
func deltaMessage(err error) (string, bool) {
	var name *ostree.DeltaNameError
	var notFound *ostree.DeltaNotFoundError
	var source *ostree.DeltaSourceError
	var fallbacks *ostree.DeltaFallbackError
	switch {
	case errors.As(err, &name):
		return "Invalid rev " + name.Text, true
	case errors.As(err, &notFound):
		return fmt.Sprintf("Can't find delta %s", notFound.Delta), true
	case errors.As(err, &source):
		return fmt.Sprintf("Commit %s, which is the delta source, is not in repository", source.Delta.From), true
	case errors.As(err, &fallbacks):
		return "Cannot execute delta offline: contains nonempty http fallback entries", true
	case errors.Is(err, ostree.ErrDeltaKeyNeeded):
		return "Key is mandatory to check delta signature", true
	case errors.Is(err, ostree.ErrDeltaNotSigned):
		return "no signatures in static-delta", true
	}
	return "", false
}
