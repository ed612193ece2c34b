package compose_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestConditionalInclude reads a treefile with one condition, which decides about a package.
func TestConditionalInclude(t *testing.T) {
	t.Parallel()
	const variables = "releasever: \"12\"\nvariables: {edition: server, level: 3, live: true}\n"
	for condition, want := range map[string]bool{
		`edition == "server"`: true, `edition != "server"`: false, `edition == "desktop"`: false,
		`level == 3`: true, `level != 3`: false, `level < 4`: true, `level <= 2`: false, `level > 2`: true, `level >= 3.5`: false,
		`live == true`: true, `live != true`: false, `basearch == "amd64"`: true, `releasever >= 12`: true,
		`["level > 2", "live == true"]`: true, `["level > 2", "live == false"]`: false,
	} {
		if condition[0] != '[' {
			condition = "'" + condition + "'"
		}
		for form, include := range map[string]string{"a file": "more.yaml", "files": "[more.yaml]", "in place": "{packages: [more]}"} {
			path := write(t, "t.yaml", variables+"packages: [one]\nconditional-include:\n  - if: "+condition+"\n    include: "+include+"\n", "more.yaml", "packages: [more]\n")
			got, err := compose.Load(path, amd64)
			require.NoError(t, err, condition)
			packages := []string{"one"}
			if want {
				packages = []string{"more", "one"}
			}
			require.Equal(t, packages, got.Packages, "%s, %s", condition, form)
		}
	}
}

// TestConditionalIncludeKnowsOuterVariables lets the including file decide.
func TestConditionalIncludeKnowsOuterVariables(t *testing.T) {
	t.Parallel()
	path := write(t, "t.yaml", "include: base.yaml\nvariables: {x: 2}\n", "base.yaml",
		"variables: {x: 1}\npackages: [base]\nconditional-include: [{if: x == 2, include: {packages: [two], ref: inner}}]\nref: outer\n")
	got, err := compose.Load(path, amd64)
	require.NoError(t, err)
	require.Equal(t, []string{"base", "two"}, got.Packages)
	require.Equal(t, "outer", got.Ref)
}

func TestConditionalIncludeErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{include: x.yaml}":                                 "there is no condition `if`",
		"{if: y, include: x.yaml}":                          `"y" is not VARIABLE OPERATOR VALUE`,
		"{if: y == 1, include: x.yaml}":                     "there is no variable y",
		"{if: basearch == 1, include: x.yaml}":              `basearch is "amd64" and no number`,
		"{if: basearch == amd64, include: x.yaml}":          "put a string into double quotes",
		"{if: 'basearch == \"amd64', include: x.yaml}":      "a quote at each end",
		"{if: 'basearch < \"b\"', include: x.yaml}":         "only numbers can be less or more",
		"{if: 'basearch != \"b\"', include: x.yaml}":        "x.yaml: no such file",
		"{if: 'basearch != \"b\"', include: {include: y}}":  "a treefile in place includes nothing",
		"{if: 'basearch != \"b\"', include: {pakages: []}}": `did you mean "packages"?`,
	} {
		_, err := compose.Load(write(t, "t.yaml", "conditional-include: ["+text+"]\n"), amd64)
		require.ErrorContains(t, err, want, text)
	}
}

func TestRepoPackages(t *testing.T) {
	t.Parallel()
	got, err := compose.Load(write(t, "t.yaml", "packages: [a]\nrepo-packages:\n  - {repo: backports, packages: [b c, \"d:i386\"]}\n  - {repo: sid, packages: [e]}\n"), amd64)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b/backports", "c/backports", "d:i386/backports", "e/sid"}, got.Packages)
	for text, want := range map[string]string{
		"[{packages: [a]}]":            "has no `repo`",
		"[{repo: x, packages: [a=1]}]": "package a=1 names a version or suite itself",
		"[{repo: x, package: [a]}]":    `did you mean "packages"?`,
	} {
		_, err := compose.Load(write(t, "t.yaml", "repo-packages: "+text+"\n"), amd64)
		require.ErrorContains(t, err, want, text)
	}
}

// TestFieldsOfElsewhere says what became of rpm-ostree's fields.
func TestFieldsOfElsewhere(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"modules": "Debian has no modules", "gpg-key": "ostree gpg-sign", "override-remove": "about a machine", "check-passwd": "preserve-passwd",
	} {
		_, err := compose.Load(write(t, "t.yaml", field+": x\n"), amd64)
		require.ErrorContains(t, err, `t.yaml:1: unknown field "`+field+`" of rpm-ostree: `)
		require.ErrorContains(t, err, want)
	}
}

// TestTreefileFormIsRead reads what is printed of a treefile: it means the same.
func TestTreefileFormIsRead(t *testing.T) {
	t.Parallel()
	first, err := compose.Load(write(t, "t.yaml", `
ref: a
repos: ["deb http://archive.example/debian stable main", {uris: http://archive.example/x, suites: [s], components: c}]
repo-packages: [{repo: s, packages: [b]}]
install-langs: [de]
remove-from-packages: [[a, /usr/x, /usr/y.*]]
variables: {n: 3}
`), amd64)
	require.NoError(t, err)
	text, err := first.JSON()
	require.NoError(t, err)
	again, err := compose.Load(write(t, "t.json", string(text)), amd64)
	require.NoError(t, err)
	require.Equal(t, first, again)
}
