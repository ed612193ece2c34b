package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// TestErrorText shows what failed, the last words of the program that did, and the way out.
func TestErrorText(t *testing.T) {
	t.Parallel()
	var log []string
	for i := range 50 {
		log = append(log, fmt.Sprintf("line %d", i+1))
	}
	text := func(err error) string {
		var out bytes.Buffer
		cli.PrintError(&out, txn.Change{Install: []string{"bash"}}, err)
		return out.String()
	}
	script := &step.Error{Step: "Assembling the tree", Err: &assemble.ScriptError{Package: "foo", Phase: "postinst", Code: 3, Log: log}}
	require.True(t, strings.HasPrefix(text(script), "error: Assembling the tree: package foo: postinst: exit status 3\n  | line 31\n"), text(script))
	require.True(t, strings.HasSuffix(text(script), "  | line 50\n"))
	require.Equal(t, "error: canceled: Assembling the tree\n", text(&step.Error{Step: "Assembling the tree", Err: fmt.Errorf("deep: %w", context.Canceled)}))
	require.Equal(t, "error: canceled\n", text(context.Canceled))
	require.Equal(t, "error: no\nhint: request it all the same, in case a later base lacks it\n      apt-ostree install bash --allow-inactive\n",
		text(&txn.RequestError{Message: "no", AllowInactive: true}))
	var out bytes.Buffer
	cli.PrintQueryError(&out, &apt.OfflineError{})
	require.Contains(t, out.String(), "hint: refresh the archive metadata and try again\n")
	require.NotContains(t, out.String(), "apt-ostree uninstall", "what failed was no change")
}

// TestCommandLine spells remedies: what is printed must be what the change says.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]txn.Change{
		"apt-ostree install a b --uninstall=c":                              {Install: []string{"a", "b"}, Uninstall: []string{"c"}},
		"apt-ostree uninstall a":                                            {Uninstall: []string{"a"}},
		"apt-ostree uninstall --all --install=b":                            {UninstallAll: true, Install: []string{"b"}},
		"apt-ostree upgrade --install=a --uninstall=b --cache-only":         {Upgrade: true, Install: []string{"a"}, Uninstall: []string{"b"}, CacheOnly: true},
		"apt-ostree upgrade --allow-downgrade":                              {Upgrade: true, AllowDowngrade: true},
		"apt-ostree deploy 'a b' --idempotent":                              {Deploy: "a b", AllowDowngrade: true, Idempotent: true},
		"apt-ostree rollback":                                               {Rollback: true},
		"apt-ostree override remove a --install=b":                          {OverrideRemove: []string{"a"}, Install: []string{"b"}},
		"apt-ostree override remove a --remove-essential":                   {OverrideRemove: []string{"a"}, RemoveEssential: true},
		"apt-ostree install ./m_1:2_all.deb b --force-replacefiles":         {InstallLocal: []string{"00:m_1:2_all"}, Install: []string{"b"}, ForceReplaceFiles: true},
		"apt-ostree override replace a=2 --install=./m_1_all.deb":           {OverrideReplace: []string{"a=2"}, InstallLocal: []string{"00:m_1_all"}},
		"apt-ostree override replace a/s ./m_1_all.deb --remove=b --freeze": {OverrideReplace: []string{"a/s"}, OverrideReplaceLocal: []string{"00:m_1_all"}, OverrideRemove: []string{"b"}, Freeze: true},
		"apt-ostree override reset a":                                       {OverrideReset: []string{"a"}},
		"apt-ostree override reset --all":                                   {OverrideResetAll: true},
		"apt-ostree reset":                                                  {UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true},
		"apt-ostree reset --overlays --overrides":                           {UninstallAll: true, OverrideResetAll: true},
		"apt-ostree reset --initramfs":                                      {ResetInitramfs: true},
	} {
		require.Equal(t, want, cli.CommandLine(c, "/"))
	}
	require.Equal(t, "apt-ostree rollback '--sysroot=/a b'", cli.CommandLine(txn.Change{Rollback: true}, "/a b"))
}

func TestComparedDeployments(t *testing.T) {
	t.Parallel()
	all := []txn.DeploymentStatus{{ID: "1", Osname: "a"}, {ID: "2", Osname: "b", Booted: true}, {ID: "3", Osname: "b"}}
	ids := func(name string, list []txn.DeploymentStatus) string {
		var out string
		for _, d := range cli.OfOneStateroot(list, name) {
			out += d.ID
		}
		return out
	}
	require.Equal(t, "23", ids("", all))
	require.Equal(t, "1", ids("a", all))
	require.Equal(t, "1", ids("", all[:1]))
	require.Empty(t, ids("", nil))
}

// TestInfo describes packages that exist, that are only installed, that are virtual, and none.
func TestInfo(t *testing.T) {
	t.Parallel()
	exim := &apt.Package{Name: "exim", Architecture: "amd64", Summary: "mails", Provides: []relation.Relation{{Name: "mta"}}}
	one, err := version.Parse("1.0")
	require.NoError(t, err)
	own := &apt.Package{Name: "own", Version: one, Architecture: "all", Summary: "mine"}
	u := apt.NewUniverse([]*apt.Package{exim})
	var out bytes.Buffer
	missing := cli.PrintInfo(&out, []string{"exim", "mta", "own", "exin"}, []txn.InstalledPackage{{Package: own, Layer: txn.LayerRequest}}, u)
	require.Len(t, missing, 1)
	require.Equal(t, "exin: there is no such package; did you mean exim?", missing[0].String())
	for _, want := range []string{"Package: exim\nInstalled: no\n", "Package: mta\nProvided by: exim\n", "Package: own\nInstalled: 1.0 (layered)\n"} {
		require.Contains(t, out.String(), want)
	}
}

// TestNoSysroot asks each command for a system that is none.
func TestNoSysroot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, command := range []string{"status", "install x", "uninstall --all", "upgrade", "rollback", "deploy x", "list", "search x", "info x", "db diff", "history", "why x", "why-not x", "provides x", "etc diff", "override remove x", "override reset --all", "reset"} {
		out := run(t, append(strings.Fields(command), "--sysroot="+dir)...)
		require.Equal(t, 1, out.code, command)
		require.Contains(t, out.stderr, "error: "+dir+" is not an OSTree sysroot", command)
		require.Empty(t, out.stdout, command)
	}
}
