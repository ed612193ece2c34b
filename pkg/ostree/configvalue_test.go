package ostree_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func TestConfigValues(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.SetConfigValue("core", "lock-timeout-secs", "-1"))
	value, ok := r.ConfigValue("core", "lock-timeout-secs")
	require.True(t, ok)
	require.Equal(t, "-1", value)
	require.NoError(t, r.UnsetConfigValue("core", "lock-timeout-secs"))
	require.NoError(t, r.UnsetConfigValue("core", "lock-timeout-secs"))
	require.NoError(t, r.UnsetConfigValue("no such group", "key"))
	_, ok = r.ConfigValue("core", "lock-timeout-secs")
	require.False(t, ok)
	require.True(t, r.HasConfigGroup("core"))
	require.False(t, r.HasConfigGroup("other"))
	require.NoError(t, r.SetConfigValue("other program", "any", "thing"))
}

func TestConfigRefusesWhatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.SetConfigValue("core", "min-free-space-size", "100MB"))
	before := readConfig(t, r)
	for _, set := range [][3]string{
		{"core", "mode", "nope"}, {"core", "repo_version", "2"}, {"core", "min-free-space-size", "5"}, {"core", "min-free-space-size", "99999999999TB"},
		{"core", "collection-id", "nope"}, {"core", "default-repo-finders", "config;nope"}, {"core", "payload-link-threshold", "some"},
		{"core", "auto-update-summary", "perhaps"}, {"core", "fsync", "yes"}, {"core", "lock-timeout-secs", "long"},
		{"ex-integrity", "composefs", "perhaps"}, {"ex-integrity", "fsverity", "perhaps"}, {"ex-fsverity", "required", "perhaps"}, {"sysroot", "bootloader", "lilo"}, {"sysroot", "boot-counting-tries", "6"},
	} {
		var wrong *ostree.ConfigError
		err := r.SetConfigValue(set[0], set[1], set[2])
		require.Error(t, err, set)
		if set[1] == "min-free-space-size" {
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, set[2], wrong.Value)
		}
	}
	require.Error(t, r.SetConfigValue("a]b", "key", "x"))
	require.Error(t, r.SetConfigValue("core", "a=b", "x"))
	require.Error(t, r.UnsetConfigValue("core", "repo_version"), "without it nobody can open the repository")
	require.Equal(t, before, readConfig(t, r))
	for _, set := range [][3]string{
		{"core", "default-repo-finders", "config;mount"}, {"core", "payload-link-threshold", "-1"}, {"ex-integrity", "fsverity", "maybe"},
		{"sysroot", "bootloader", "grub2"}, {"core", "collection-id", "org.example.OS"},
	} {
		require.NoError(t, r.SetConfigValue(set[0], set[1], set[2]), set)
	}
}
