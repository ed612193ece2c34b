package layers_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/test/document"
)

var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestDocumentsLinkToWhatExists follows every link from one document of the
// project to another file of it.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, match := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			target, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			file := document
			if target != "" {
				file = filepath.Join(filepath.Dir(document), target)
			}
			_, err := os.Stat(file)
			require.NoErrorf(t, err, "%s links to %s", document, match[1])
			if heading != "" {
				require.Containsf(t, headings(t, file), heading, "%s links to %s", document, match[1])
			}
		}
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	require.NoError(t, err)
	for _, dir := range []string{"docs", "changelog", "examples"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err == nil && strings.HasSuffix(path, ".md") {
				found = append(found, path)
			}
			return err
		})
		require.NoError(t, err)
	}
	require.NotEmpty(t, found)
	return found
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

// headings are the anchors that a forge makes of the headings of a document.
func headings(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var anchors []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		anchors = append(anchors, strings.ReplaceAll(notInAnchor.ReplaceAllString(title, ""), " ", "-"))
	}
	return anchors
}

// TestEveryExampleIsRun compares what users are shown with what test/vm types in its session. The commands of
// docs/booting.md are not among them: TestBootingDocument reads those from the document and types them as they come.
func TestEveryExampleIsRun(t *testing.T) {
	t.Parallel()
	shown := document.Examples(cli.Command())
	files, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, file := range append(files, "README.md") {
		blocks, err := document.Blocks(file)
		require.NoError(t, err)
		for _, b := range blocks {
			require.Containsf(t, []string{"sh", "go", "yaml", "text"}, b.Language, "%s, %s: the language of a block", file, b.Section)
			if b.Language == "sh" && file != "docs/booting.md" && b.Section != "Two commands" { // which CI does
				shown = append(shown, document.Lines(b.Text)...)
			}
		}
	}
	steps, err := document.Session("test/vm/testdata/examples.session")
	require.NoError(t, err)
	var run []string
	for _, s := range steps {
		if s.Example {
			run = append(run, s.Command)
		}
	}
	slices.Sort(shown)
	require.ElementsMatch(t, slices.Compact(shown), slices.Compact(slices.Sorted(slices.Values(run))))
}

var fragmentName = regexp.MustCompile(`^[a-z0-9-]+\.(added|changed|deprecated|removed|fixed|security)\.md$`)

// TestChangelogFragments keeps scripts/changelog from leaving one out.
func TestChangelogFragments(t *testing.T) {
	t.Parallel()
	const dir = "changelog/unreleased"
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() == "README.md" {
			continue
		}
		require.Regexp(t, fragmentName, e.Name())
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.Truef(t, strings.HasPrefix(string(text), "- "), "%s is not a list item", e.Name())
	}
}
