package solve_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// met reports whether the packages meet a group of p, architectures aside except for i386.
func met(p *apt.Package, g relation.Group, packages []*apt.Package) bool {
	return solve.Check(append([]*apt.Package{{
		Name: "probe", Architecture: p.Architecture, Version: p.Version, Depends: []relation.Group{g},
	}}, stripped(packages)...), solve.Request{Architecture: "amd64", ForeignArchitectures: []string{"i386"}}) == nil
}

// stripped returns packages without relations of their own, each once.
func stripped(packages []*apt.Package) []*apt.Package {
	var list []*apt.Package
	for i, p := range packages {
		key := func(o *apt.Package) bool {
			return o.Name == p.Name && (o.Architecture == "i386") == (p.Architecture == "i386")
		}
		if slices.ContainsFunc(packages[i+1:], key) {
			continue // an upgrade follows
		}
		list = append(list, &apt.Package{
			Name: p.Name, Architecture: p.Architecture, Version: p.Version, MultiArch: p.MultiArch, Provides: p.Provides,
		})
	}
	return list
}

// TestCheck verifies that every rule is looked at.
func TestCheck(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		packages string
		request  solve.Request
	}{
		"": {packages: "a 1\n  Depends: b (>= 2), v (= 3), c | d, e:any\n  Conflicts: a, b (<< 2)\nb 2\n  Provides: v (= 3), w (= 1)\n  Conflicts: w\nd 1\ne 1 i386 allowed\n" +
			"s 1 same\ns 1 i386 same\nf 1 i386\n  Depends: g\ng 1 foreign\n", request: solve.Request{ForeignArchitectures: []string{"i386"}}},
		"a:amd64=1 depends on b (>= 2)":                        {packages: "a 1\n  Depends: b (>= 2)\nb 1\n"},
		"a:amd64=1 depends on v (= 1)":                         {packages: "a 1\n  Pre-Depends: v (= 1)\nb 1\n  Provides: v\n"},
		"a:amd64=1 depends on b:any":                           {packages: "a 1\n  Depends: b:any\nb 1\n"},
		"a:i386=1 depends on b":                                {packages: "a 1 i386\n  Depends: b\nb 1 all\n"},
		"a:i386=1: architecture is not enabled":                {packages: "a 1 i386\n"},
		"a:amd64=1 excludes b:amd64=1":                         {packages: "a 1\n  Breaks: b (<< 2)\nb 1\n"},
		"a:amd64=1 excludes b:amd64=1, which provides v":       {packages: "a 1\n  Conflicts: v\nb 1\n  Provides: v\n"},
		"a:amd64=2 and a:amd64=1 cannot be installed together": {packages: "a 2\na 1\n"},
		"a:all=2 and a:amd64=1 cannot be installed together":   {packages: "a 2 all\na 1\n"},
		"s:amd64=2 and s:i386=1 cannot be installed together":  {packages: "s 2 same\ns 1 i386 same\n"},
		"b is not there":                                       {packages: "a 1\n", request: solve.Request{Install: []string{"b"}}},
		"a:amd64=1 is excluded":                                {packages: "a 1\n", request: solve.Request{Exclude: []string{"a"}}},
		"old:amd64=1 is not there any more":                    {packages: "a 1\n", request: solve.Request{Lock: true, Installed: parsePackages(t, "old 1\n")}},
		"base:amd64=1 is not there any more":                   {packages: "a 1\n", request: solve.Request{Installed: parsePackages(t, "base 1 essential\n")}},
		"a:amd64=1 is still there":                             {packages: "a 1\n", request: solve.Request{Remove: []string{"a"}, Installed: parsePackages(t, "a 1\n")}},
		"l:amd64=1 is not there":                               {packages: "l 2\n", request: solve.Request{Local: parsePackages(t, "l 1\n")}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			test.request.Architecture = "amd64"
			err := solve.Check(parsePackages(t, test.packages), test.request)
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}
