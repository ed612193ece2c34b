package compose_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestAdjustedTree composes with the fields that change what packages bring.
func TestAdjustedTree(t *testing.T) {
	t.Parallel()
	needTrees(t)
	locale := func(lang string) apttest.File {
		return apttest.File{Path: "usr/share/locale/" + lang + "/LC_MESSAGES/tool.mo", Content: lang}
	}
	archive := syntheticArchive(t, apttest.Deb{
		Package: "tool", Files: []apttest.File{
			locale("de"), locale("de_AT"), locale("fr"), {Path: "usr/share/locale/locale.alias", Content: "x"},
			{Path: "usr/share/tool/big", Content: "x"}, {Path: "usr/share/tool/small", Content: "x"}, {Path: "usr/share/shared", Dir: true},
			{Path: "usr/bin/tool", Content: "#!/bin/sh\n", Mode: 0o755},
		},
	})
	for name, unpacker := range map[string]assemble.UnpackMode{"native": assemble.UnpackNative, "dpkg": assemble.UnpackDpkg} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := syntheticTree(archive, "tool")
			tree.InstallLangs = []string{"de_AT.UTF-8"}
			tree.RemoveFromPackages = [][]string{{"tool", "/usr/share/tool/b.*", "/usr/share/to"}}
			tree.MutateOSRelease, tree.AutomaticVersionPrefix = "1", "7"
			tree.ReadonlyExecutables = true
			tree.Postprocess = []string{"test ! -e /usr/share/tool/big"}
			b := newBuild(t, tree, func(o *compose.Options) { o.Unpacker = unpacker })
			r := b.compose(t)
			fsys, err := b.repo.FS(t.Context(), r.Commit)
			require.NoError(t, err)
			for path, want := range map[string]bool{
				"usr/share/locale/de/LC_MESSAGES/tool.mo": true, "usr/share/locale/de_AT/LC_MESSAGES/tool.mo": true, "usr/share/locale/locale.alias": true,
				"usr/share/locale/fr": false, "usr/share/tool/big": false, "usr/share/tool/small": true,
			} {
				_, err := fsys.Stat(path)
				if want {
					require.NoError(t, err, path)
				} else {
					require.ErrorIs(t, err, fs.ErrNotExist, path)
				}
			}
			release, err := fsys.ReadFile("usr/lib/os-release")
			require.NoError(t, err)
			require.Equal(t, "ID=test\nPRETTY_NAME=\"Test 7\"\nVERSION=\"7\"\nVERSION_ID=\"1\"\nOSTREE_VERSION='7'\n", string(release))
			info, err := fsys.Stat("usr/bin/tool")
			require.NoError(t, err)
			require.EqualValues(t, 0o555, info.Mode().Perm())

			tree.RemoveFromPackages = [][]string{{"nowhere", "/x"}}
			_, err = b.Apply(t.Context(), b.plan(t), nil)
			require.ErrorContains(t, err, "remove-from-packages: package nowhere is not installed")
		})
	}
}

// TestPreservePasswd keeps the id of an account that another package was first to make, or does not.
func TestPreservePasswd(t *testing.T) {
	t.Parallel()
	needTrees(t)
	account := func(name, id string) apttest.Deb {
		return apttest.Deb{Package: name, Scripts: map[string]string{
			"postinst": "while read line; do case $line in " + name + ":*) exit 0; esac; done </etc/group\necho " + name + ":x:" + id + ": >>/etc/group; echo '" + name + ":*::' >>/etc/gshadow",
		}}
	}
	archive := syntheticArchive(t, account("first", "301"), account("second", "302"))
	no := false
	for name, c := range map[string]struct {
		preserve *bool
		want     bool
	}{"by default": {nil, true}, "not": {&no, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := syntheticTree(archive, "first", "second")
			b := newBuild(t, tree, nil)
			b.compose(t)
			tree.Packages, tree.PreservePasswd = []string{"second"}, c.preserve
			r := b.compose(t)
			require.False(t, r.Unchanged)
			text := group(t, b.repo, r.Commit)
			if c.want {
				require.Contains(t, text, "first:x:301:")
			} else {
				require.NotContains(t, text, "first:x:301:")
			}
			require.Contains(t, text, "second:x:302:")
		})
	}
}

func group(t *testing.T, repo *ostree.Repo, c ostree.Checksum) string {
	t.Helper()
	fsys, err := repo.FS(t.Context(), c)
	require.NoError(t, err)
	text, err := fsys.ReadFile("usr/etc/group")
	require.NoError(t, err)
	return string(text)
}

func TestAdjustErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"install-langs: [../x]":                                   `"../x" is not a language`,
		"remove-from-packages: [[a]]":                             "is not a package with patterns",
		"remove-from-packages: [[a, (]]":                          "package a: error parsing regexp",
		"remove-from-packages: [[a, b]]\ninstall-langs: [de, '']": `"" is not a language`,
	} {
		_, err := compose.Load(write(t, "t.yaml", text+"\n"), amd64)
		require.ErrorContains(t, err, want, text)
	}
}
