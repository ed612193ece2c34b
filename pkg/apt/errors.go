package apt

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
)

// The errors of archives, under the names callers of this package know them by.
type (
	// UntrustedError reports an archive that must not be used: it is unsigned, signed by a wrong or
	// expired key, out of date, or not valid yet. It says which, and what to do about it.
	UntrustedError = archive.UntrustedError
	// HashMismatchError reports a file that is not what its index says, twice in a row.
	HashMismatchError = archive.HashMismatchError
	// ReleaseError reports a release that is malformed or lacks what a source asks for.
	ReleaseError = archive.ReleaseError
	// StatusError reports a server that did not give a file.
	StatusError = archive.StatusError
)

// SupersededError reports a package that the archive no longer has under the name the lists give:
// a newer version has replaced it since they were read.
type SupersededError struct {
	Package *Package
	URL     string
}

// Error names package and URL, and suggests to refresh.
func (e *SupersededError) Error() string {
	return fmt.Sprintf("%s is gone from the archive (%s): a newer version has probably replaced it; refresh the package lists and try again", e.Package, e.URL)
}

// OfflineError reports lists or a package that are not in the cache while the client is offline.
type OfflineError struct{ What string }

// Error names what is missing.
func (e *OfflineError) Error() string {
	return e.What + " is not in the cache, and the client is offline: run it once with a network"
}

// ReleaseInfoError reports an archive that has changed its identity since the last update. It may
// have been replaced by another one, or a new release may have taken the name the source uses.
type ReleaseInfoError struct {
	Archive  string // "URI suite"
	Field    string // Origin, Label or Codename
	Old, New string
}

// Error names the field and its values.
func (e *ReleaseInfoError) Error() string {
	return fmt.Sprintf("archive %s changed its %s from %q to %q: accept the change if you expected it", e.Archive, e.Field, e.Old, e.New)
}
