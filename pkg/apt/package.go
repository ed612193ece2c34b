package apt

import (
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Package is one version of a binary package, as deb-control(5) and the Packages index of an archive
// describe it. It is immutable once it is part of a [Universe].
type Package struct {
	// Name and Architecture are the fields Package and Architecture ("all" included).
	Name         string
	Architecture string
	Version      version.Version
	// Source and SourceVersion name the source package; they default to Name and Version.
	Source        string
	SourceVersion version.Version
	// MultiArch is "", "no", "same", "foreign" or "allowed".
	MultiArch string
	// Essential and Protected packages must not be removed. Protected covers the field Important,
	// its older spelling.
	Essential bool
	Protected bool

	Priority   string
	Section    string
	Maintainer string
	Homepage   string
	// Summary is the first line of the description, Description the text after it, in paragraphs
	// separated by empty lines. Archives that publish descriptions separately have no Description.
	Summary     string
	Description string

	Depends, PreDepends, Recommends, Suggests, Enhances []relation.Group
	Conflicts, Breaks, Replaces                         []relation.Group
	Provides                                            []relation.Relation

	// InstalledSize is the estimate of the field Installed-Size, and Size the size of the .deb, both
	// in bytes; 0 when unknown.
	InstalledSize int64
	Size          int64
	// Filename is the path of the .deb below Origin.URI. SHA256 and SHA512 are its checksums in lower
	// case hexadecimal, "" when the index does not give them.
	Filename string
	SHA256   string
	SHA512   string

	// Origin is where an archive offers the package, nil for a local file or an installed package.
	Origin *Origin
	// AlsoFrom are the parts of archives, less preferred than Origin, that offer the same version.
	AlsoFrom []*Origin
	// PhasedUpdate is the Phased-Update-Percentage: for how many of a hundred machines the version is a
	// phased update already, 0 if it is for all, and less than 0 if it is for none yet.
	PhasedUpdate int
	// Path is the local .deb, "" for a package of an archive.
	Path string

	raw string
}

// Origin describes the part of an archive a package comes from, in the terms of its Release file.
type Origin struct {
	URI       string // base of the archive, with a trailing slash
	Suite     string // Suite, e.g. "stable"
	Codename  string // Codename, e.g. "bookworm"
	Component string // e.g. "main"; "" in a flat archive
	Label     string
	Origin    string
	Version   string // of the release, e.g. "12.5"
	// NotAutomatic and ButAutomaticUpgrades lower the priority of the whole archive, see
	// apt_preferences(5).
	NotAutomatic         bool
	ButAutomaticUpgrades bool
}

// String returns "suite/component" with the codename for a suite if the Release file has only that.
func (o *Origin) String() string {
	name := o.Suite
	if name == "" {
		name = o.Codename
	}
	if o.Component == "" {
		return name
	}
	return name + "/" + o.Component
}

// Key identifies a package among those that can be installed next to each other.
type Key struct{ Name, Architecture string }

// String returns "name:architecture".
func (k Key) String() string { return k.Name + ":" + k.Architecture }

// Key returns the identity of p, which its versions share.
func (p *Package) Key() Key { return Key{p.Name, p.Architecture} }

// String returns "name:architecture=version", a form that requests accept as well.
func (p *Package) String() string {
	return p.Name + ":" + p.Architecture + "=" + p.Version.String()
}

// Paragraph returns the control paragraph the package was made from, with all fields of it.
// It is empty for a package that was not made by [ParsePackage].
func (p *Package) Paragraph() deb822.Paragraph {
	if p.raw == "" {
		return deb822.Paragraph{}
	}
	// The text was parsed before; it cannot fail to parse again.
	s := deb822.NewScanner(p.raw, deb822.Options{MaxParagraph: len(p.raw) + 1, MaxFields: strings.Count(p.raw, "\n") + 1})
	s.Next()
	return s.Paragraph().Clone()
}
