package layers_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
