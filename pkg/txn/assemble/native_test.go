package assemble_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// A compose from nothing gives the same commit whoever unpacks.
func TestNativeComposeEqualsDpkg(t *testing.T) {
	repo, b := minimal(t)
	s := debianSet(t, minimalSet...)
	result, err := assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Logger: logger(t),
		Unpacker: assemble.UnpackNative,
	})
	require.NoError(t, err)
	require.Positive(t, result.Native)
	requireSameTree(t, repo, b.tree, result.Tree)
	require.Equal(t, b.commit, result.Commit)
	intact(t, repo)
}

// A package that is imported while the Essential ones are installed, and is not what it should be, fails the compose.
func TestDamagedPackageInTheBackground(t *testing.T) {
	repo, _ := minimal(t)
	s := debianSet(t, minimalSet...)
	for _, p := range s.packages {
		if p.Name == "adduser" {
			p.SHA256 = strings.Repeat("0", 64)
		}
	}
	_, err := assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Unpacker: assemble.UnpackNative,
	})
	var mismatch *apt.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.ErrorContains(t, err, "import adduser=")
	intact(t, repo)
}

// Layering gives the same tree whoever unpacks, with preinsts in their places and what is not simple
// left to dpkg.
func TestNativeLayerEqualsDpkg(t *testing.T) {
	repo, b := minimal(t)
	debs := []apttest.Deb{
		{
			Package: "divert", Files: []apttest.File{{Path: "usr/share/x/file", Content: "of divert"}},
			Scripts: map[string]string{"preinst": "dpkg-divert --quiet --package divert --add --rename --divert /usr/share/x/file.real /usr/share/x/file\n"},
		},
		{
			Package: "plain", PreDepends: "divert", MultiArch: "foreign",
			Files:   []apttest.File{{Path: "usr/share/x/file", Content: "of plain"}, {Path: "etc/plain.conf", Content: "x\n"}, {Path: "usr/share/y", Content: "y"}, {Path: "var/mail/box", Content: "", Group: "mail", GID: 8}},
			Scripts: map[string]string{"preinst": "test \"$1\" = install && test $# = 1 && test -f /usr/share/x/file"},
			Control: map[string]string{"triggers": "interest-noawait /usr/share/watched\n"},
		},
		{Package: "taker", Replaces: "plain", Depends: "plain", Files: []apttest.File{{Path: "usr/share/y", Content: "of taker"}}},
		{Package: "filters", Files: []apttest.File{{Path: "etc/dpkg/dpkg.cfg.d/left-out", Content: "path-exclude=/usr/share/out/*\n"}}},
		{Package: "out1", PreDepends: "filters", Files: []apttest.File{{Path: "usr/share/out/both/a", Content: "a"}}},
		{Package: "out2", PreDepends: "filters", Files: []apttest.File{{Path: "usr/share/out/both/b", Content: "b"}}},
		{Package: "zwatched", Depends: "plain", Files: []apttest.File{{Path: "usr/share/watched/a", Content: "a"}}},
	}
	want, err := layer(t, repo, b, func(in *assemble.Input) { in.Unpacker = assemble.UnpackDpkg }, debs...)
	require.NoError(t, err)
	got, err := layer(t, repo, b, withCheckout, debs...)
	require.NoError(t, err)
	requireCheckout(t, repo, got)
	require.Equal(t, 6, got.Native, "the one that takes a file over is dpkg's")
	requireSameTree(t, repo, want.Tree, got.Tree)
	require.Equal(t, want.Commit, got.Commit)
	require.Equal(t, "of plain", file(t, repo, got.Commit, "usr/share/x/file.real"))
	intact(t, repo)
}
