package assemble_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// seeded merges previous into a tree with the files of now, and returns what
// is in its /etc.
func seeded(t *testing.T, now, previous map[string]string) (etc map[string]string, dropped []string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	for name, text := range now {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o600))
	}
	before := fstest.MapFS{}
	for name, text := range previous {
		before[name] = &fstest.MapFile{Data: []byte(text)}
	}
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, assemble.SeedAccounts(root, before, func(file, name string) { dropped = append(dropped, file+" "+name) }))
	etc = map[string]string{}
	entries, err := os.ReadDir(filepath.Join(dir, "etc"))
	require.NoError(t, err)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, "etc", entry.Name()))
		require.NoError(t, err)
		etc[entry.Name()] = string(text)
	}
	return etc, dropped
}

func TestSeedAccountsFromNothing(t *testing.T) {
	t.Parallel()
	etc, dropped := seeded(t, nil, map[string]string{
		"group":  "root:x:0:\nadm:x:4:alice,bob\n",
		"passwd": "root:x:0:0:root:/root:/bin/bash\n# comment\nbroken\nbad:x:id:0::/:/bin/sh\nalice:x:1000:4::/:/bin/sh\n",
		"subuid": "alice:100000:65536\n",
	})
	require.Equal(t, map[string]string{
		"group":  "root:x:0:\nadm:x:4:alice\n", // there is no bob
		"passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:4::/:/bin/sh\n",
		"subuid": "alice:100000:65536\n",
	}, etc)
	require.Empty(t, dropped)
}

func TestSeedAccountsTheTreeWins(t *testing.T) {
	t.Parallel()
	etc, dropped := seeded(t,
		map[string]string{
			"group":  "root:x:0:\nnew:x:998:",
			"passwd": "root:x:0:0:root:/root:/bin/sh\nnew:x:998:998::/:/bin/false\n",
		},
		map[string]string{
			"group":  "root:x:0:\nmoved:x:998:\nold:x:997:\n",
			"passwd": "root:x:0:0:changed:/root:/bin/bash\nmoved:x:996:998::/:/bin/false\ntaken:x:998:997::/:/bin/false\nold:x:997:997::/var/lib/old:/bin/false\n",
			"subuid": "taken:1:1\nold:100000:65536\n",
		})
	require.Equal(t, map[string]string{
		"group":  "root:x:0:\nnew:x:998:\nold:x:997:\n",
		"passwd": "root:x:0:0:root:/root:/bin/sh\nnew:x:998:998::/:/bin/false\nold:x:997:997::/var/lib/old:/bin/false\n",
		"subuid": "old:100000:65536\n",
	}, etc)
	require.Equal(t, []string{"group moved", "passwd moved", "passwd taken"}, dropped)
}

// Scripts put a user into groups when they create it, which they will not.
func TestSeedAccountsStayInGroups(t *testing.T) {
	t.Parallel()
	etc, _ := seeded(t,
		map[string]string{
			"group":  "adm:x:4:base\n# comment\nssl:x:50:base,other\n",
			"passwd": "base:x:1:1::/:/bin/sh\nother:x:2:2::/:/bin/sh\n",
		},
		map[string]string{
			"group":  "adm:x:4:svc,other,gone\nssl:x:50:svc\nextra:x:60:base,svc,gone\n",
			"passwd": "base:x:1:1::/:/bin/sh\nother:x:2:2::/:/bin/sh\nsvc:x:998:60::/:/bin/false\n",
		})
	require.Equal(t, "adm:x:4:base,svc\n# comment\nssl:x:50:base,other,svc\nextra:x:60:base,svc\n", etc["group"])
}

func TestSeedAccountsTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"group":  "root:x:0:\nssl:x:999:\n",
		"passwd": "root:x:0:0:root:/root:/bin/bash\nssl:x:999:999::/:/bin/false\n",
	}
	etc, _ := seeded(t, files, files)
	require.Equal(t, files, etc)
}

func TestSeedAccountsTakesNoPassword(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	etc, _ := seeded(t, nil, map[string]string{
		"shadow":  "root:$6$salt$hash:19000:0:99999:7:::\nempty::19000::::::\nlocked:!*:19000::::::\n",
		"gshadow": "wheel:$6$salt$hash:admin:alice\nlocked:!::\n",
	})
	require.Equal(t, map[string]string{
		"shadow":  "root:*:19000:0:99999:7:::\nempty:*:19000::::::\nlocked:!*:19000::::::\n",
		"gshadow": "wheel:*::\nlocked:!::\n",
	}, etc)
}

func TestSeedAccountsPermissions(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	// The caller's umask is not the tree's business.
	require.NoError(t, assemble.SeedAccounts(root, fstest.MapFS{
		"passwd": {Data: []byte("a:x:1:1::/:/bin/sh\n")},
		"shadow": {Data: []byte("a:*:1::::::\n")},
	}, nil))
	for name, want := range map[string]struct {
		mode os.FileMode
		gid  uint32
	}{"passwd": {0o644, 0}, "shadow": {0o640, 42}} {
		info, err := os.Stat(filepath.Join(dir, "etc", name))
		require.NoError(t, err)
		require.Equal(t, want.mode, info.Mode(), name)
		require.Equal(t, want.gid, info.Sys().(*syscall.Stat_t).Gid, name)
	}
}
