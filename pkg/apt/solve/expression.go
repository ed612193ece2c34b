package solve

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// expression is a package as users name it: name[:architecture][=version|/suite].
type expression struct {
	text, name, arch, suite string
	version                 version.Version
}

// parseExpression parses the text of a request.
func parseExpression(text string) (expression, error) {
	e := expression{text: text}
	rest, v, hasVersion := strings.Cut(text, "=")
	rest, suite, hasSuite := strings.Cut(rest, "/")
	name, arch, hasArch := strings.Cut(rest, ":")
	e.name, e.arch, e.suite = strings.ToLower(name), arch, suite
	if err := relation.CheckName(name); err != nil {
		return e, err
	}
	switch {
	case hasVersion && hasSuite:
		return e, errors.New("has both a suite and a version")
	case hasArch && arch == "":
		return e, errors.New("has an empty architecture")
	case hasSuite && suite == "":
		return e, errors.New("has an empty suite")
	case hasVersion:
		parsed, err := version.Parse(v)
		if err != nil {
			return e, fmt.Errorf("has a bad version: %w", err)
		}
		e.version = parsed
	}
	return e, nil
}

// parseAll parses names, leaving out what is none.
func parseAll(list []string) []expression {
	var all []expression
	for _, text := range list {
		if e, err := parseExpression(text); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// pinned reports whether the expression asks for certain versions.
func (e expression) pinned() bool { return e.suite != "" || !e.version.IsZero() }

// matches reports whether the package is one that the expression stands for. Without architecture it
// stands for all of them.
func (e expression) matches(pkg *apt.Package, p *pool) bool {
	if e.name != pkg.Name || !e.matchesArch(pkg, p) {
		return false
	}
	if !e.version.IsZero() {
		return version.Compare(e.version, pkg.Version) == 0
	}
	if e.suite != "" {
		return pkg.Origin != nil && (e.suite == pkg.Origin.Suite || e.suite == pkg.Origin.Codename)
	}
	return true
}

// matchesArch reports whether the architecture fits. A package for all is native as well.
func (e expression) matchesArch(pkg *apt.Package, p *pool) bool {
	return e.arch == "" || e.arch == pkg.Architecture || pkg.Architecture == "all" && e.arch == p.archs[0]
}

// matchesAny reports whether one of the expressions matches.
func matchesAny(list []expression, pkg *apt.Package, p *pool) bool {
	return slices.ContainsFunc(list, func(e expression) bool { return e.matches(pkg, p) })
}
