package compose_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestPlanPins composes from an archive and a newer one that is not to be used unless asked for.
func TestPlanPins(t *testing.T) {
	t.Parallel()
	stable := apttest.New(t, apttest.Options{})
	stable.Add(apttest.Deb{Package: "base", Essential: true}, apttest.Deb{Package: "tool"})
	experimental := apttest.New(t, apttest.Options{Suite: "stable-experimental", Codename: "test-experimental"})
	experimental.ReleaseFields = []string{"NotAutomatic: yes"}
	experimental.Add(apttest.Deb{Package: "tool", Version: "2.0"})
	sources := []source.Source{stable.Publish(), experimental.Publish()}
	const pin = "Package: tool\nPin: release n=test-experimental\nPin-Priority: 900\n"
	for name, c := range map[string]struct {
		pins  string
		repos bool
		want  string
	}{
		"the archive's wish":                    {want: "1.0"},
		"the machine's pins":                    {pins: pin, want: "2.0"},
		"pins do not count with other sources":  {pins: pin, repos: true, want: "1.0"},
		"the archive's wish, with such sources": {repos: true, want: "1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(root, "etc/apt/sources.list.d"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt/sources.list.d/a.sources"), source.Format(sources), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt/preferences"), []byte(c.pins), 0o644))
			repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBareUser, ostree.Options{})
			require.NoError(t, err)
			defer repo.Close()
			tree := &compose.Treefile{Releasever: "stable", Basearch: "amd64", Packages: []string{"tool"}}
			if c.repos {
				for _, s := range sources {
					tree.Repos = append(tree.Repos, compose.Repo{URIs: s.URIs, Suites: s.Suites, Components: s.Components, SignedBy: []string{s.SignedBy.Key}})
				}
			}
			composer, err := compose.New(compose.Options{Repo: repo, Treefile: tree, CacheDir: t.TempDir(), Root: root, NoParent: true})
			require.NoError(t, err)
			plan, err := composer.Plan(t.Context())
			require.NoError(t, err)
			got := map[string]string{}
			for _, p := range plan.Packages {
				got[p.Name] = p.Version
			}
			require.Equal(t, map[string]string{"base": "1.0", "tool": c.want}, got)
		})
	}
}
