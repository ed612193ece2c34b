package apt_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// describe returns the description of vim.
func describe(t *testing.T, c *apt.Client, s source.Source) (*apt.Package, apt.Description) {
	t.Helper()
	u, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	p := u.Versions("vim")[0]
	found, err := c.Describe(t.Context(), []source.Source{s}, []*apt.Package{p})
	require.NoError(t, err)
	return p, found[p]
}

const vimText = "A longer text.\n\nTwo paragraphs."

func TestDescribe(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Translation: true})
	a.Add(vim, data)
	s := a.Publish()
	p, d := describe(t, client(t, nil), s)
	require.Empty(t, p.Description)
	require.Equal(t, apt.Description{Language: "en", Summary: "editor", Text: vimText}, d)

	a.ForgetRequests()
	for _, languages := range []string{`Acquire::Languages "none";`, `Acquire::Languages { "none"; "en"; };`, `Acquire::Languages { "de"; };`} {
		_, d = describe(t, configured(t, languages, nil), s)
		require.Equal(t, apt.Description{Language: "en", Summary: "editor"}, d, languages)
	}
	_, d = describe(t, configured(t, `Acquire::Languages { "environment"; "de"; "en"; };`, nil), s)
	require.Equal(t, vimText, d.Text)

	whole := apttest.New(t, apttest.Options{})
	whole.Add(vim)
	_, d = describe(t, client(t, nil), whole.Publish())
	require.Equal(t, apt.Description{Language: "en", Summary: "editor", Text: vimText}, d)
}

// TestDescribeTranslated has an archive with English and German texts.
func TestDescribeTranslated(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Translation: true})
	a.Add(vim, data)
	a.Translations = map[string]map[string]string{"de": {"vim": "Editor\n Ein längerer Text."}}
	s := a.Publish()
	_, d := describe(t, configured(t, `Acquire::Languages { "de"; "en"; };`, nil), s)
	require.Equal(t, apt.Description{Language: "de", Summary: "Editor", Text: "Ein längerer Text."}, d)
	_, d = describe(t, client(t, nil), s)
	require.Equal(t, "editor", d.Summary)
}

// TestDescribeLikeDpkg reads what apt-ftparchive wrote.
func TestDescribeLikeDpkg(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("apt-ftparchive"), testenv.Tool("dpkg-deb"))
	a := apttest.NewFTPArchive(t, vim, data)
	p, d := describe(t, client(t, nil), a.Source(t))
	require.Empty(t, p.Description, "apt-ftparchive was told to write descriptions on their own")
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "-f", filepath.Join(a.Dir, p.Filename), "Description").Output()
	require.NoError(t, err)
	require.Equal(t, string(out), d.Summary+"\n "+strings.ReplaceAll(strings.ReplaceAll(d.Text, "\n\n", "\n.\n"), "\n", "\n ")+"\n")
}
