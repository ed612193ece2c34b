package apt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// ParsePackage makes a package of a control paragraph: a stanza of a Packages index, of dpkg's
// status file, or the control file of a .deb. Package, Version and Architecture are required; all
// fields it interprets must be well-formed, others are kept for [Package.Paragraph]. The result
// shares memory with the paragraph's text.
func ParsePackage(p deb822.Paragraph) (*Package, error) {
	pkg := new(Package)
	if err := parsePackage(pkg, p); err != nil {
		return nil, err
	}
	return pkg, nil
}

func parsePackage(pkg *Package, p deb822.Paragraph) error {
	if err := parseFields(pkg, p); err != nil {
		if pkg.Name == "" {
			return err
		}
		return fmt.Errorf("package %s: %w", pkg.Name, err)
	}
	pkg.raw = p.Raw()
	return nil
}

func parseFields(pkg *Package, p deb822.Paragraph) error {
	var seen uint64
	var lower [32]byte
	for f := range p.All() {
		if len(f.Name) > len(lower) {
			continue
		}
		for i := range len(f.Name) {
			c := f.Name[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			lower[i] = c
		}
		bit, err := setField(pkg, string(lower[:len(f.Name)]), f.Value)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if bit != 0 && seen&(1<<bit) != 0 {
			return fmt.Errorf("field %s occurs twice", f.Name)
		}
		seen |= 1 << bit
	}
	switch {
	case pkg.Name == "":
		return errors.New("control paragraph has no field Package")
	case pkg.Version.IsZero():
		return errors.New("control paragraph has no field Version")
	case pkg.Architecture == "":
		return errors.New("control paragraph has no field Architecture")
	}
	if pkg.Source == "" {
		pkg.Source = pkg.Name
	}
	if pkg.SourceVersion.IsZero() {
		pkg.SourceVersion = pkg.Version
	}
	return nil
}

// setField stores one value. It returns a number of its own for every field it knows, and 0 for
// others, so that the caller notices repetitions.
func setField(pkg *Package, lowerName, value string) (bit int, err error) {
	switch lowerName {
	case "package":
		pkg.Name = strings.ToLower(value)
		return 1, relation.CheckName(value)
	case "version":
		pkg.Version, err = version.Parse(value)
		return 2, err
	case "architecture":
		pkg.Architecture = value
		return 3, checkArchitecture(value)
	case "source":
		return 4, setSource(pkg, value)
	case "multi-arch":
		pkg.MultiArch, err = oneOf(value, "no", "same", "foreign", "allowed")
		return 5, err
	case "essential":
		pkg.Essential, err = yes(value)
		return 6, err
	case "protected", "important":
		protected, err := yes(value)
		pkg.Protected = pkg.Protected || protected
		return 0, err
	case "priority":
		pkg.Priority = value
		return 7, nil
	case "section":
		pkg.Section = value
		return 8, nil
	case "maintainer":
		pkg.Maintainer = value
		return 9, nil
	case "homepage":
		pkg.Homepage = value
		return 10, nil
	case "description":
		pkg.Summary, pkg.Description = splitDescription(value)
		return 11, nil
	case "depends":
		pkg.Depends, err = relation.ParseDepends(value)
		return 12, err
	case "pre-depends":
		pkg.PreDepends, err = relation.ParseDepends(value)
		return 13, err
	case "recommends":
		pkg.Recommends, err = relation.ParseDepends(value)
		return 14, err
	case "suggests":
		pkg.Suggests, err = relation.ParseDepends(value)
		return 15, err
	case "enhances":
		pkg.Enhances, err = relation.ParseDepends(value)
		return 16, err
	case "conflicts":
		pkg.Conflicts, err = relation.ParseDepends(value)
		return 17, err
	case "breaks":
		pkg.Breaks, err = relation.ParseDepends(value)
		return 18, err
	case "replaces":
		pkg.Replaces, err = relation.ParseDepends(value)
		return 19, err
	case "provides":
		pkg.Provides, err = relation.ParseProvides(value)
		return 20, err
	case "installed-size":
		pkg.InstalledSize = installedSize(value)
		return 21, nil
	case "size":
		pkg.Size, err = size(value)
		return 22, err
	case "filename":
		pkg.Filename = value
		return 23, nil
	case "phased-update-percentage":
		pkg.PhasedUpdate = phasedUpdate(value)
		return 26, nil
	case "sha256":
		pkg.SHA256, err = checksum(value, 32)
		return 24, err
	case "sha512":
		pkg.SHA512, err = checksum(value, 64)
		return 25, err
	default:
		return 0, nil
	}
}

// setSource reads "name" or "name (version)".
func setSource(pkg *Package, value string) error {
	name, rest, found := strings.Cut(value, "(")
	pkg.Source = strings.TrimSpace(name)
	if !found {
		return nil
	}
	text, ok := strings.CutSuffix(strings.TrimSpace(rest), ")")
	if !ok {
		return fmt.Errorf("%q has no closing parenthesis", value)
	}
	v, err := version.Parse(text)
	pkg.SourceVersion = v
	return err
}

func splitDescription(value string) (summary, description string) {
	summary, _, multi := strings.Cut(value, "\n")
	if multi {
		_, description, _ = strings.Cut(deb822.Unfold(value), "\n")
	}
	return strings.TrimRight(summary, " \t\r"), description
}

// installedSize converts KiB to bytes. The field is an estimate of the packager's; one that is no
// number is no reason to refuse a package, and dpkg does not look at it either.
func installedSize(value string) int64 {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>10 {
		return 0
	}
	return n << 10
}

// phasedUpdate reads a percentage. Like apt it takes what is no number from 0 to 99 for 100.
func phasedUpdate(value string) int {
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || n < 0 || n >= 100:
		return 0
	case n == 0:
		return -1
	}
	return n
}

func size(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size in bytes", value)
	}
	return n, nil
}

func checksum(value string, length int) (string, error) {
	if len(value) != hex.EncodedLen(length) {
		return "", fmt.Errorf("%q is not a checksum of %d hexadecimal digits", value, hex.EncodedLen(length))
	}
	for i := range len(value) {
		if c := value[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return "", fmt.Errorf("%q is not hexadecimal", value)
		}
	}
	return strings.ToLower(value), nil
}

func checkArchitecture(value string) error {
	for i := range len(value) {
		if c := value[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) {
			return fmt.Errorf("%q is not an architecture", value)
		}
	}
	return nil
}

func yes(value string) (bool, error) {
	v, err := oneOf(value, "yes", "no")
	return v == "yes", err
}

func oneOf(value string, allowed ...string) (string, error) {
	for _, a := range allowed {
		if strings.EqualFold(a, value) {
			return a, nil
		}
	}
	return "", fmt.Errorf("%q is not one of %s", value, strings.Join(allowed, ", "))
}
