package archive

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// Release is the content of a Release file.
type Release struct {
	Origin, Label, Suite, Codename, Version string

	Date time.Time
	// ValidUntil is zero if the release does not expire by itself.
	ValidUntil time.Time

	Architectures []string
	// Components are as written; they may carry a prefix such as "updates/".
	Components []string
	// NoSupportAll says that packages for all architectures are in the index of each architecture:
	// No-Support-for-Architecture-all is "Packages".
	NoSupportAll bool
	ByHash       bool // Acquire-By-Hash

	NotAutomatic         bool
	ButAutomaticUpgrades bool

	// Snapshots is where the archive says that earlier states of it are, with "@SNAPSHOTID@" for the time.
	Snapshots string

	// Files are the listed files by their paths below the directory of the Release file.
	Files map[string]Checksums
}

// Checksums are what is known of a file before it is there: its size, and its checksums in lower
// case hexadecimal, of which one may be empty.
type Checksums struct {
	Size   int64 // -1 if unknown
	SHA256 string
	SHA512 string
}

// ParseRelease reads a Release file. The text must have been verified. MD5 and SHA-1 lists are
// ignored; a release with no better one is an [*UntrustedError].
func ParseRelease(text []byte) (*Release, error) {
	p, err := deb822.Parse(string(text))
	if err != nil {
		return nil, &ReleaseError{Problem: "the Release file is malformed: " + err.Error()}
	}
	r := &Release{
		Origin: p.Get("Origin"), Label: p.Get("Label"), Suite: p.Get("Suite"), Codename: p.Get("Codename"), Version: p.Get("Version"),
		Architectures: strings.Fields(p.Get("Architectures")), Components: strings.Fields(p.Get("Components")),
		Snapshots:    p.Get("Snapshots"),
		NoSupportAll: slices.Contains(strings.Fields(p.Get("No-Support-for-Architecture-all")), "Packages"),
		ByHash:       isYes(p.Get("Acquire-By-Hash")), NotAutomatic: isYes(p.Get("NotAutomatic")), ButAutomaticUpgrades: isYes(p.Get("ButAutomaticUpgrades")),
		Files: make(map[string]Checksums),
	}
	if r.Date, err = parseDate(p.Get("Date")); err != nil {
		return nil, &ReleaseError{Problem: "field Date: " + err.Error()}
	}
	if value, found := p.Lookup("Valid-Until"); found {
		if r.ValidUntil, err = parseDate(value); err != nil {
			return nil, &ReleaseError{Problem: "field Valid-Until: " + err.Error()}
		}
	}
	_, has256 := p.Lookup("SHA256")
	_, has512 := p.Lookup("SHA512")
	if !has256 && !has512 {
		return nil, &UntrustedError{
			Reason: WeakHashes, Detail: "its Release file lists neither SHA256 nor SHA512 checksums", Remedy: "ask its owner to add them",
		}
	}
	if err := r.addFiles(p.Get("SHA256"), 32, func(c *Checksums, sum string) { c.SHA256 = sum }); err != nil {
		return nil, &ReleaseError{Problem: "field SHA256: " + err.Error()}
	}
	if err := r.addFiles(p.Get("SHA512"), 64, func(c *Checksums, sum string) { c.SHA512 = sum }); err != nil {
		return nil, &ReleaseError{Problem: "field SHA512: " + err.Error()}
	}
	return r, nil
}

// addFiles reads a list of "checksum size path".
func (r *Release) addFiles(list string, length int, set func(*Checksums, string)) error {
	for line := range deb822.Lines(list) {
		if line == "" {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return fmt.Errorf("%q is not \"checksum size path\"", line)
		}
		sum := strings.ToLower(words[0])
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != length {
			return fmt.Errorf("%q is not a checksum", words[0])
		}
		size, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || size < 0 {
			return fmt.Errorf("%q is not a size", words[1])
		}
		name := path.Clean(words[2])
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return fmt.Errorf("%q leads out of the archive", words[2])
		}
		c, found := r.Files[name]
		if found && c.Size != size {
			return fmt.Errorf("%s has two sizes, %d and %d", name, c.Size, size)
		}
		c.Size = size
		set(&c, sum)
		r.Files[name] = c
	}
	return nil
}

// parseDate reads a date as RFC 5322 has it and as Release files write it: always in UTC.
func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, errors.New("missing")
	}
	for _, layout := range []string{"Mon, _2 Jan 2006 15:04:05 -0700", "Mon, _2 Jan 2006 15:04:05 UTC", "Mon, _2 Jan 2006 15:04:05 GMT", "Mon, _2 Jan 2006 15:04:05 Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date like \"Sat, 10 Feb 2024 11:42:23 UTC\"", text)
}

func isYes(value string) bool { return strings.EqualFold(value, "yes") }
