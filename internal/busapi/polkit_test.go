package busapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// Users that every Debian has. The rules of the tests give the first all rights and the second that to upgrade.
const (
	trusted  = 1 // daemon
	upgrader = 2 // bin
)

const polkitRules = `polkit.addRule(function(action, subject) {
	if (action.id.indexOf("org.aptostree.dev.") != 0) return polkit.Result.NOT_HANDLED;
	if (subject.user == "daemon") return polkit.Result.YES;
	if (subject.user == "bin" && action.id == "org.aptostree.dev.upgrade") return polkit.Result.YES;
	return polkit.Result.NOT_HANDLED;
});
`

// polkit starts polkitd with the policy that is shipped, in a mount namespace where it finds nothing else.
func (b *bus) polkit() {
	b.t.Helper()
	const polkitd = "/usr/lib/polkit-1/polkitd"
	testenv.Need(b.t, testenv.File(polkitd), testenv.Tool("unshare"))
	actions, rules := b.dir+"/actions", b.dir+"/rules.d"
	require.NoError(b.t, os.Mkdir(actions, 0o755))
	require.NoError(b.t, os.Mkdir(rules, 0o755))
	policy, err := os.ReadFile("../../data/polkit/org.aptostree.dev.policy")
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(actions, "org.aptostree.dev.policy"), policy, 0o644))
	require.NoError(b.t, os.WriteFile(filepath.Join(rules, "10-test.rules"), []byte(polkitRules), 0o644))
	b.start("unshare", "-m", "--propagation", "private", "sh", "-c", strings.Join([]string{
		"mount --bind " + actions + " /usr/share/polkit-1/actions",
		"mount --bind " + rules + " /etc/polkit-1/rules.d",
		"exec " + polkitd + " --no-debug",
	}, " && "))
	b.waitFor(func() bool { return b.owner("org.freedesktop.PolicyKit1") != "" })
}

// TestPolkit has users with all, one and no rights.
func TestPolkit(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.polkit()
	b.daemon()
	for _, c := range []struct {
		uid    uint32
		args   []string
		denied string
	}{
		{nobody, []string{"status"}, ""},
		{nobody, []string{"upgrade"}, "org.aptostree.dev.upgrade"},
		{nobody, []string{"rollback"}, "org.aptostree.dev.rollback"},
		{nobody, []string{"install", "tool"}, "org.aptostree.dev.install-uninstall-packages"},
		{nobody, []string{"deploy", "1"}, "org.aptostree.dev.deploy"},
		{nobody, []string{"reload"}, "org.aptostree.dev.reload-daemon"},
		{nobody, []string{"override", "remove", "base-tool"}, "org.aptostree.dev.override"},
		{upgrader, []string{"rollback"}, "org.aptostree.dev.rollback"},
		{upgrader, []string{"upgrade", "--install=tool"}, "org.aptostree.dev.install-uninstall-packages"},
		{upgrader, []string{"upgrade", "--dry-run"}, ""},
		{trusted, []string{"install", "--dry-run", "tool"}, ""},
		{trusted, []string{"upgrade"}, ""},
		{trusted, []string{"reload"}, ""},
		{0, []string{"rollback"}, ""},
	} {
		out := b.cli(c.uid, c.args...)
		if c.denied == "" {
			require.Zero(t, out.code, "%d %v: %s", c.uid, c.args, out.stderr)
			continue
		}
		require.Equal(t, 1, out.code, "%d %v: %s", c.uid, c.args, out.stdout)
		require.Contains(t, out.stderr, "not allowed for user ("+c.denied+")")
	}
	require.Equal(t, []string{"1", "2"}, b.versions())
}

// TestNoPolkit: root is not asked for, and others get an error that says what is missing.
func TestNoPolkit(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	out := b.cli(nobody, "upgrade")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "authorization error: The name org.freedesktop.PolicyKit1 was not provided")
	require.Zero(t, b.cli(0, "upgrade").code)
	require.Equal(t, []string{"2", "1"}, b.versions())
	require.Zero(t, b.cli(nobody, "status").code, txn.KindOther)
}
