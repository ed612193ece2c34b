package oci

import (
	"errors"
	"fmt"
)

// An UnsupportedError says that something is known but not offered here.
type UnsupportedError struct {
	What    string
	Instead string // the way out
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported; %s", e.What, e.Instead)
}

// ErrNotFound is what an [*ImageNotFoundError] is.
var ErrNotFound = errors.New("image not found")

// An ImageNotFoundError says that there is no image at a location.
type ImageNotFoundError struct {
	Location Location
	Err      error // how that was found out; may be nil
}

// Error implements error.
func (e *ImageNotFoundError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("image %s not found", e.Location)
	}
	return fmt.Sprintf("image %s not found: %v", e.Location, e.Err)
}

// Is makes it equal to the sentinel.
func (e *ImageNotFoundError) Is(target error) bool { return target == ErrNotFound }

// Unwrap returns how it was found out.
func (e *ImageNotFoundError) Unwrap() error { return e.Err }

// A FormatError says that an image is none of those that this package reads.
type FormatError struct {
	Location Location
	What     string // what of it
	Err      error
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("image %s: %s: %v", e.Location, e.What, e.Err)
}

// Unwrap returns what is wrong.
func (e *FormatError) Unwrap() error { return e.Err }

// A LayerError says that a layer was refused. Nothing of it is in the repository.
type LayerError struct {
	Location Location
	Layer    string // its digest
	Entry    string // its path; empty if the layer as a whole is meant
	Err      error
}

// Error implements error.
func (e *LayerError) Error() string {
	if e.Entry == "" {
		return fmt.Sprintf("image %s: layer %s: %v", e.Location, e.Layer, e.Err)
	}
	return fmt.Sprintf("image %s: layer %s: entry %q: %v", e.Location, e.Layer, e.Entry, e.Err)
}

// Unwrap returns what is wrong.
func (e *LayerError) Unwrap() error { return e.Err }

// A DigestError says that content is not the one that was promised.
type DigestError struct{ Want, Have string }

// Error implements error.
func (e *DigestError) Error() string { return fmt.Sprintf("its digest is %s, not %s", e.Have, e.Want) }
