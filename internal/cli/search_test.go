package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

func TestSearchGroups(t *testing.T) {
	t.Parallel()
	packages := []*apt.Package{
		{Name: "vim", Summary: "Vi IMproved"}, {Name: "vim-doc", Summary: "manuals of vim"}, {Name: "a-vim", Summary: "another"},
		{Name: "emacs", Summary: "not Vim"}, {Name: "ed", Summary: "editor"},
	}
	u := apt.NewUniverse(packages)
	for terms, want := range map[[2]string]map[string][]string{
		{"vim"}:           {"Summary & Name Matched": {"vim-doc"}, "Name Matched": {"vim", "a-vim"}, "Summary Matched": {"emacs"}},
		{"VIM"}:           {"Summary & Name Matched": {"vim-doc"}, "Name Matched": {"vim", "a-vim"}, "Summary Matched": {"emacs"}},
		{"doc", "manual"}: {"Summary & Name Matched": {"vim-doc"}},
		{"vim*"}:          {"Name Matched": {"vim", "vim-doc"}},
		{"nano"}:          {},
	} {
		words := terms[:1]
		if terms[1] != "" {
			words = terms[:]
		}
		require.Equal(t, want, cli.SearchNames(u, words...), "%v", terms)
	}
	for i := range 60 {
		packages = append(packages, &apt.Package{Name: fmt.Sprintf("many%d", i)})
	}
	u = apt.NewUniverse(packages)
	require.Len(t, cli.SearchNames(u, "many")["Name Matched"], 60)
	text := cli.SearchText(u, 50, "many")
	require.Equal(t, 50, strings.Count(text, "many"))
	require.True(t, strings.HasSuffix(text, "10 more; see them with --limit=0\n"), text)
	require.Equal(t, 60, strings.Count(cli.SearchText(u, 0, "many"), "many"))
}
