package assemble_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// TestDropStages keeps those of each kind that were used last, and nothing else's refs.
func TestDropStages(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	require.NoError(t, repo.Update(t.Context(), func(w *ostree.Writer) error {
		tree, err := w.WriteTree(t.Context(), ostree.NewTree(ostree.DirMeta{Mode: 0o40755}))
		if err != nil {
			return err
		}
		for ref, used := range map[string]int64{
			"apt-ostree/stage/configured/a": 1, "apt-ostree/stage/configured/b": 7, "apt-ostree/stage/configured/c": 3,
			"apt-ostree/stage/essential/a": 1, "apt-ostree/stage/essential/b": 2,
			"apt-ostree/pkg/a/1/all": 0, "other": 0,
		} {
			sum, err := w.WriteCommit(t.Context(), ostree.Commit{Tree: tree, Timestamp: time.Unix(used, 0)})
			if err != nil {
				return err
			}
			if err := w.SetRef(ostree.Refspec{Ref: ref}, sum); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, c := range []struct {
		keep, dropped int
		left          []string
	}{
		{2, 1, []string{"apt-ostree/pkg/a/1/all", "apt-ostree/stage/configured/b", "apt-ostree/stage/configured/c", "apt-ostree/stage/essential/a", "apt-ostree/stage/essential/b", "other"}},
		{1, 2, []string{"apt-ostree/pkg/a/1/all", "apt-ostree/stage/configured/b", "apt-ostree/stage/essential/b", "other"}},
		{1, 0, []string{"apt-ostree/pkg/a/1/all", "apt-ostree/stage/configured/b", "apt-ostree/stage/essential/b", "other"}},
		{0, 2, []string{"apt-ostree/pkg/a/1/all", "other"}},
	} {
		dropped, err := assemble.DropStages(t.Context(), repo, c.keep)
		require.NoError(t, err)
		require.Equal(t, c.dropped, dropped)
		refs, err := repo.Refs(t.Context(), "")
		require.NoError(t, err)
		var left []string
		for ref := range refs {
			left = append(left, ref.Ref)
		}
		slices.Sort(left)
		require.Equal(t, c.left, left)
	}
}

// TestStages composes with kept stages: each build does only what an earlier one has not done, and
// gives the commit that dpkg gives from nothing.
func TestStages(t *testing.T) {
	repo, b := minimal(t)
	s := debianSet(t, minimalSet...)
	for p, file := range s.debs {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		p.SHA256 = hex.EncodeToString(sum[:])
	}
	build := func(change func(*assemble.Input)) (commit ostree.Checksum, ran []string, err error) {
		t.Helper()
		runner := jail(t)
		in := assemble.Input{
			Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, AllowNoKernel: true, Logger: logger(t), KeepStages: true,
			Runner: runnerFunc(func(ctx context.Context, spec sandbox.Spec) error {
				if slices.Contains(spec.Argv, "--configure") {
					switch {
					case slices.Contains(spec.Argv, "--pending"):
						ran = append(ran, "rest")
					case slices.Contains(spec.Argv, "base-passwd:amd64"):
						ran = append(ran, "essential")
					}
				}
				return runner.Run(ctx, spec)
			}),
		}
		if change != nil {
			change(&in)
		}
		result, err := assemble.Build(t.Context(), in)
		if err != nil {
			return commit, ran, err
		}
		require.Positive(t, result.Native)
		return result.Commit, ran, nil
	}
	prepare := func(in *assemble.Input) {
		in.Prepare = func(root string) error { return os.WriteFile(filepath.Join(root, "file"), nil, 0o644) }
	}
	script := func(text string) func(*assemble.Input) {
		return func(in *assemble.Input) { in.Postprocess = []assemble.Script{{Name: "x", Text: text}} }
	}

	// One that fails after everything is configured.
	_, ran, err := build(script("exit 1"))
	var failed *assemble.ScriptError
	require.ErrorAs(t, err, &failed)
	require.Contains(t, ran, "essential")
	require.Contains(t, ran, "rest")
	intact(t, repo)

	for _, c := range []struct {
		name   string
		change func(*assemble.Input)
		ran    string // "all", "rest" or ""
		commit ostree.Checksum
	}{
		{"after the failure", nil, "", b.commit},
		{"the same", nil, "", b.commit},
		{"another script", script("echo x >/usr/share/x"), "", ostree.Checksum{}},
		{"other answers", func(in *assemble.Input) { in.Preseed = []string{"debconf debconf/priority select low"} }, "rest", ostree.Checksum{}},
		{"other answers again", func(in *assemble.Input) { in.Preseed = []string{"debconf debconf/priority select low"} }, "", ostree.Checksum{}},
		{"another time", func(in *assemble.Input) { in.Timestamp = epoch.Add(time.Hour) }, "all", ostree.Checksum{}},
		{"other files", prepare, "all", ostree.Checksum{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			commit, ran, err := build(c.change)
			require.NoError(t, err)
			require.Equal(t, c.ran == "all", slices.Contains(ran, "essential"))
			require.Equal(t, c.ran != "", slices.Contains(ran, "rest"))
			if !c.commit.IsZero() {
				require.Equal(t, c.commit, commit)
			}
		})
	}

	// What was kept is not what makes the commit.
	warm, _, err := build(script("echo x >/usr/share/x"))
	require.NoError(t, err)
	_, err = assemble.DropStages(t.Context(), repo, 0)
	require.NoError(t, err)
	cold, ran, err := build(script("echo x >/usr/share/x"))
	require.NoError(t, err)
	require.Contains(t, ran, "essential")
	require.Equal(t, warm, cold)
	intact(t, repo)
}
