package assemble_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// sides installs packages by dpkg and natively.
type sides struct {
	repo  *ostree.Repo
	base  base
	bench *assemble.Bench
}

func newSides(t *testing.T) *sides {
	t.Helper()
	repo, b := minimal(t)
	bench, err := assemble.NewBench(t.Context(), repo, b.commit, filepath.Join(t.TempDir(), "base"))
	require.NoError(t, err)
	return &sides{repo, b, bench}
}

// install returns what each side says, and how many packages were placed natively.
func (s *sides) install(t *testing.T, debs []apttest.Deb) (want, got ostree.TreeID, native int, wantErr, gotErr error) {
	t.Helper()
	all := set{debs: map[*apt.Package]string{}}
	dir := t.TempDir()
	for _, d := range debs {
		d.Compression = apttest.None
		all.add(t, d.Write(t, dir))
	}
	in := assemble.Input{Batches: all.batches(t, s.base.installed...), Debs: all.debs, Timestamp: epoch, Runner: jail(t), Unpacker: assemble.UnpackDpkg}
	want, _, wantErr = s.bench.Install(t.Context(), in)
	in.Unpacker = assemble.UnpackNative
	got, native, gotErr = s.bench.Install(t.Context(), in)
	return want, got, native, wantErr, gotErr
}

// equal fails unless both sides make the same tree, which it returns.
func (s *sides) equal(t *testing.T, debs []apttest.Deb) (tree *ostree.Tree, native int) {
	t.Helper()
	want, got, native, wantErr, gotErr := s.install(t, debs)
	require.NoError(t, wantErr)
	require.NoError(t, gotErr)
	s.show(t, want, got)
	requireSameTree(t, s.repo, want, got)
	tree, err := s.repo.LoadTree(t.Context(), got)
	require.NoError(t, err)
	return tree, native
}

// show logs the files in which trees differ, for the one who has to find out why.
func (s *sides) show(t *testing.T, want, got ostree.TreeID) {
	t.Helper()
	diff, err := s.repo.Diff(t.Context(), want, got)
	require.NoError(t, err)
	for side, id := range map[string]ostree.TreeID{"dpkg": want, "native": got} {
		tree, err := s.repo.LoadTree(t.Context(), id)
		require.NoError(t, err)
		for _, d := range diff {
			e, err := tree.Lookup(d.Path)
			if err != nil || e.Dir {
				continue
			}
			_, content, err := s.repo.OpenFile(t.Context(), e.File)
			require.NoError(t, err)
			text, err := io.ReadAll(content)
			require.NoError(t, errors.Join(err, content.Close()))
			t.Logf("%s: %s:\n%s", side, d.Path, text)
		}
	}
}

// TestPathsLikeDpkg has each kind of object come where each kind of object is: a package's, which the
// new one replaces, or one that a script has made.
func TestPathsLikeDpkg(t *testing.T) {
	s := newSides(t)
	kinds := []struct {
		name   string
		file   apttest.File
		script string
	}{
		{"nothing", apttest.File{}, ":"},
		{"file", apttest.File{Content: "old\n"}, "echo old >x"},
		{"directory", apttest.File{Dir: true, Mode: 0o750}, "mkdir -m 750 x"},
		{"full directory", apttest.File{}, "mkdir x; echo inside >x/inside"},
		{"link to a file", apttest.File{Link: "target"}, "ln -s target x"},
		{"link to a directory", apttest.File{Link: "sub"}, "ln -s sub x"},
		{"link to nothing", apttest.File{Link: "nowhere"}, "ln -s nowhere x"},
	}
	none := func(f apttest.File) bool { return f.Content == "" && f.Link == "" && !f.Dir }
	var debs []apttest.Deb
	for i, old := range kinds {
		for j, fresh := range kinds {
			if none(fresh.file) {
				continue
			}
			for k, owned := range []bool{false, true} {
				if owned && none(old.file) {
					continue // nothing to own
				}
				dir := fmt.Sprintf("usr/share/case/%d%d%d", i, j, k)
				first := apttest.Deb{
					Package: fmt.Sprintf("old%d%d%d", i, j, k),
					Files:   []apttest.File{{Path: dir + "/target", Content: "t"}, {Path: dir + "/sub/y", Content: "y"}},
				}
				if owned {
					old.file.Path = dir + "/x"
					first.Files = append(first.Files, old.file)
				} else {
					first.Scripts = map[string]string{"postinst": "cd /" + dir + "\n" + old.script}
				}
				fresh.file.Path = dir + "/x"
				if fresh.file.Content != "" {
					fresh.file.Content = "new\n"
				}
				debs = append(debs, first, apttest.Deb{
					Package: fmt.Sprintf("new%d%d%d", i, j, k), PreDepends: first.Package, Replaces: first.Package,
					Files: []apttest.File{fresh.file, {Path: dir + "/more", Content: "m"}},
				})
			}
		}
	}
	tree, native := s.equal(t, debs)
	require.Greater(t, native, len(debs)/2, "most cases are simple ones")
	e, err := tree.Lookup("usr/share/case/210/x") // a file where a script has made a directory
	require.NoError(t, err)
	require.False(t, e.Dir)
	intact(t, s.repo)
}

// TestOverwritesLikeDpkg: what belongs to another package, without Replaces, is an error on both sides.
func TestOverwritesLikeDpkg(t *testing.T) {
	s := newSides(t)
	for name, files := range map[string][2]apttest.File{
		"a file by a file":      {{Content: "a"}, {Content: "a"}},
		"a file by a directory": {{Content: "a"}, {Dir: true}},
		"a link by a file":      {{Link: "sub"}, {Content: "a"}},
		"a conffile":            {{Path: "etc/both.conf", Content: "a"}, {Path: "etc/both.conf", Content: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range files {
				if files[i].Path == "" {
					files[i].Path = "usr/share/both"
				}
			}
			_, _, _, wantErr, gotErr := s.install(t, []apttest.Deb{
				{Package: "one", Files: files[:1]}, {Package: "two", PreDepends: "one", Files: files[1:]},
			})
			var want, got *assemble.PackageError
			require.ErrorAs(t, wantErr, &want)
			require.ErrorAs(t, gotErr, &got)
			require.Equal(t, want.Package, got.Package)
			require.Equal(t, want.Message, got.Message)
		})
	}
	intact(t, s.repo)
}

// TestConffilesLikeDpkg installs configuration files where nothing, the same, something else, a link or
// a directory is, and such that move between packages.
func TestConffilesLikeDpkg(t *testing.T) {
	s := newSides(t)
	conf := func(name string) apttest.File {
		return apttest.File{Path: "etc/rows/" + name, Content: "of " + name + "\n"}
	}
	debs := []apttest.Deb{{
		Package: "before", Files: []apttest.File{conf("moved"), conf("kept")},
		Scripts: map[string]string{"postinst": `cd /etc/rows
echo of same >same
echo edited >different
ln -s /usr/share/elsewhere link
ln -s nowhere dangling
mkdir -p real && ln -s real through
`},
	}}
	for _, name := range []string{"new", "same", "different", "link", "dangling", "through/file", "sub/dir/file", "mode"} {
		f := conf(name)
		if name == "mode" {
			f.Mode, f.Group, f.GID = 0o640, "mail", 8
		}
		debs = append(debs, apttest.Deb{Package: "c-" + strings.ReplaceAll(name, "/", "-"), PreDepends: "before", Files: []apttest.File{f}})
	}
	debs = append(debs,
		apttest.Deb{Package: "mover", PreDepends: "before", Replaces: "before", Files: []apttest.File{conf("moved")}},
		apttest.Deb{Package: "outside", PreDepends: "before", Files: []apttest.File{{Path: "usr/share/outside.conf", Content: "x"}}, Conffiles: []string{"/usr/share/outside.conf"}},
		apttest.Deb{Package: "plain-etc", PreDepends: "before", NoConffiles: true, Files: []apttest.File{{Path: "etc/rows/plain", Content: "x"}}},
		apttest.Deb{Package: "remover", PreDepends: "before", Files: []apttest.File{conf("remover")}, Control: map[string]string{"conffiles": "/etc/rows/remover\nremove-on-upgrade /etc/rows/was-there\n"}},
		apttest.Deb{Package: "edits-own", PreDepends: "before", Files: []apttest.File{conf("own")}, Scripts: map[string]string{"postinst": "echo more >>/etc/rows/own"}},
	)
	tree, native := s.equal(t, debs)
	require.Greater(t, native, 6)
	require.True(t, tree.Exists("etc/rows/real/file"))
	require.True(t, tree.Exists("etc/rows/own"))
	require.NoError(t, tree.Walk("etc/rows", func(path string, _ ostree.Entry) error {
		if !strings.Contains(path, "link") && !strings.Contains(path, "dangling") { // dpkg leaves theirs there
			require.NotContains(t, path, ".dpkg-new")
		}
		return nil
	}))
	intact(t, s.repo)
}

// TestTriggersLikeDpkg has packages that wait for triggers and such that activate them: by name, by path,
// by script, each with and without waiting, before and after who is interested.
func TestTriggersLikeDpkg(t *testing.T) {
	s := newSides(t)
	// The order of several triggers is not compared: dpkg's is another one each time its database is read.
	log := func(name string) map[string]string {
		return map[string]string{"postinst": "(echo \"$1\"; echo \"$2\" | tr ' ' '\\n' | sort) >>/usr/share/log-" + name}
	}
	triggers := func(lines ...string) map[string]string {
		return map[string]string{"triggers": strings.Join(lines, "\n") + "\n"}
	}
	debs := []apttest.Deb{
		{Package: "early-a", Control: triggers("activate poke", "activate-noawait prod"), Scripts: log("early-a")},
		{Package: "early-f", Files: []apttest.File{{Path: "usr/share/seen/early", Content: "x"}, {Path: "lib/seen/early", Content: "x"}}, Scripts: log("early-f")},
		{Package: "mid", PreDepends: "early-a, early-f", Control: triggers(
			"interest poke", "interest-noawait prod", "interest-await third", "interest /usr/share/seen", "interest-noawait /lib/seen", "interest /etc/seen",
		), Scripts: log("mid")},
		{Package: "other", PreDepends: "early-a", Control: triggers("interest-noawait /usr/share", "interest /usr/share/seen/deep"), Scripts: log("other")},
		{Package: "late-a", PreDepends: "mid", Control: triggers("activate poke", "activate-await third", "activate-noawait unknown"), Scripts: log("late-a")},
		{Package: "late-f", PreDepends: "mid", Files: []apttest.File{{Path: "usr/share/seen/deep/late", Content: "x"}, {Path: "lib/seen/late", Content: "x"}, {Path: "usr/lib/seen/other-name", Content: "x"}, {Path: "etc/seen/conf", Content: "x"}}, Scripts: log("late-f")},
		{Package: "late-s", PreDepends: "mid", Scripts: map[string]string{"postinst": "dpkg-trigger poke; dpkg-trigger --no-await prod; dpkg-trigger --by-package=late-s /usr/share/seen"}},
		{Package: "self", PreDepends: "mid", Control: triggers("interest /usr/share/self"), Files: []apttest.File{{Path: "usr/share/self/x", Content: "x"}}, Scripts: log("self")},
		{Package: "needs-late", Depends: "late-a, late-f", Scripts: log("needs-late")},
		{Package: "odd", Control: triggers("# nothing but a comment", "", "interest-noawait odd+name.x"), Scripts: log("odd")},
	}
	tree, native := s.equal(t, debs)
	require.Positive(t, native)
	for _, name := range []string{"mid", "other", "self"} {
		e, err := tree.Lookup("usr/share/log-" + name)
		require.NoError(t, err)
		require.False(t, e.Dir)
	}
	intact(t, s.repo)

	// Two that wait for each other: dpkg breaks the circle, or gives up; natively it is the same.
	want, got, _, wantErr, gotErr := s.install(t, []apttest.Deb{
		{Package: "ring1", Control: triggers("interest ring-a", "activate ring-b"), Scripts: log("ring1")},
		{Package: "ring2", Control: triggers("interest ring-b", "activate ring-a"), Scripts: log("ring2")},
	})
	require.Equal(t, wantErr == nil, gotErr == nil, "dpkg: %v, natively: %v", wantErr, gotErr)
	require.Equal(t, want, got)
}
