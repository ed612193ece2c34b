package layout_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden runs testdata/STEP/*.txtar: the step on the tree "in" gives the tree "out" and the
// text "report", or the text "error". STEP is one of Fold's, or "fold" and "unfold" for the whole;
// for the latter the tree is folded first, if it can be.
// A comment line "# option: …" before the first section sets an option.
func TestGolden(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(name, "testdata/"), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, name)
		})
	}
}

func golden(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	archive := txtar.Parse(data)
	sections := map[string]string{}
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	s := newMemory()
	tree := parseTree(t, s, sections["in"])
	got := map[string]string{}
	report, err := runStep(t, filepath.Base(filepath.Dir(name)), s, tree, goldenOptions(archive.Comment))
	if err != nil {
		got["error"] = err.Error() + "\n"
	} else {
		got["out"] = formatTree(t, s, tree)
		got["report"] = formatReport(report)
	}
	if *update {
		writeGolden(t, name, archive, sections["in"], got)
		return
	}
	for _, section := range []string{"error", "report", "out"} {
		require.Equal(t, sections[section], got[section], section)
	}
}

func runStep(t *testing.T, step string, s *memory, tree *ostree.Tree, opts layout.Options) (*layout.Report, error) {
	t.Helper()
	switch step = strings.ReplaceAll(step, "-", " "); step {
	case "fold":
		return layout.Fold(t.Context(), s, tree, opts)
	case "unfold":
		if tree.Exists("usr/bin") {
			_, err := layout.Fold(t.Context(), s, tree, opts)
			require.NoError(t, err)
		}
		return nil, layout.Unfold(t.Context(), s, tree)
	default:
		return layout.RunPass(t.Context(), step, s, tree, opts)
	}
}

func goldenOptions(comment []byte) layout.Options {
	var opts layout.Options
	for line := range strings.Lines(string(comment)) {
		if option, ok := strings.CutPrefix(strings.TrimSpace(line), "# option: "); ok {
			key, value, _ := strings.Cut(option, "=")
			switch key {
			case "AllowNoKernel":
				opts.AllowNoKernel = true
			case "KeepKeys":
				opts.KeepKeys = append(opts.KeepKeys, value)
			case "FactoryLimit":
				opts.FactoryLimit = 10
			}
		}
	}
	return opts
}

func formatReport(r *layout.Report) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	if r.Kernel != "" {
		fmt.Fprintf(&b, "kernel %s\n", r.Kernel)
	}
	for _, s := range r.Stripped {
		fmt.Fprintf(&b, "stripped %s: %s\n", s.Path, s.Why)
	}
	for _, f := range r.Factory {
		fmt.Fprintf(&b, "factory %s\n", f)
	}
	for _, s := range r.SetID {
		fmt.Fprintf(&b, "set-id %s %04o %d:%d\n", s.Path, s.Mode, s.UID, s.GID)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "warning %s\n", w)
	}
	return b.String()
}

func writeGolden(t *testing.T, name string, archive *txtar.Archive, in string, got map[string]string) {
	t.Helper()
	out := &txtar.Archive{Comment: archive.Comment, Files: []txtar.File{{Name: "in", Data: []byte(in)}}}
	for _, section := range []string{"error", "report", "out"} {
		if got[section] != "" {
			out.Files = append(out.Files, txtar.File{Name: section, Data: []byte(got[section])})
		}
	}
	require.NoError(t, os.WriteFile(name, txtar.Format(out), 0o644))
}
