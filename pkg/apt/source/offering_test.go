package source_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func TestOffering(t *testing.T) {
	t.Parallel()
	all := []source.Source{
		{URIs: []string{"a"}, Suites: []string{"bookworm", "trixie", "bookworm-updates"}},
		{URIs: []string{"b"}, Types: []string{"deb", "deb-src"}, Suites: []string{"bookworm-security"}},
		{URIs: []string{"c"}, Types: []string{"deb-src"}, Suites: []string{"bookworm"}},
		{URIs: []string{"d"}, Suites: []string{"bookworm"}, Disabled: true},
		{URIs: []string{"e"}, Suites: []string{"sdk-bookworm", "bookwormer"}},
	}
	require.Equal(t, []source.Source{
		{URIs: []string{"a"}, Types: []string{"deb"}, Suites: []string{"bookworm", "bookworm-updates"}},
		{URIs: []string{"b"}, Types: []string{"deb"}, Suites: []string{"bookworm-security"}},
	}, source.Offering(all, "bookworm"))
	require.Equal(t, []string{"bookworm", "trixie", "bookworm-updates"}, all[0].Suites)
}
