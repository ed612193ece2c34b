package busapi_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5/introspect"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestEveryKeyHasARight: what is not in the table can be asked for by root alone.
func TestEveryKeyHasARight(t *testing.T) {
	t.Parallel()
	known := busapi.Rights()
	for field := range reflect.TypeFor[txn.Change]().Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key != "-" {
			require.Contains(t, known, key)
			delete(known, key)
		}
	}
	require.Empty(t, known, "keys that a change does not have")
}

// TestEveryMethodHasAHandler compares the description with the table, both ways.
func TestEveryMethodHasAHandler(t *testing.T) {
	t.Parallel()
	var node introspect.Node
	require.NoError(t, xml.Unmarshal([]byte(busapi.InterfaceXML), &node))
	var described []string
	for _, i := range node.Interfaces {
		short := strings.TrimPrefix(i.Name, busapi.Native().Bus+".")
		if short == "Transaction" {
			continue // on the private sockets, see FuzzPeer
		}
		for _, m := range i.Methods {
			described = append(described, short+"."+m.Name)
		}
	}
	require.ElementsMatch(t, described, busapi.Methods())
}

// TestRightsOfChanges asks for the union of what the keys need.
func TestRightsOfChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change txn.Change
		want   string
	}{
		{txn.Change{Upgrade: true, CacheOnly: true}, "upgrade"},
		{txn.Change{Upgrade: true, Install: []string{"x"}, Uninstall: []string{"y"}}, "install-uninstall-packages upgrade"},
		{txn.Change{InstallLocal: []string{"x"}}, "install-local-packages"},
		{txn.Change{InstallLocal: []string{"x"}, ForceReplaceFiles: true, OverrideRemove: []string{"y"}}, "install-local-packages override"},
		{txn.Change{Deploy: "1", UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true}, "bootconfig deploy install-uninstall-packages override"},
		{txn.Change{Rebase: &txn.Rebase{Refspec: "x:y"}}, "rebase"},
		{txn.Change{Finalize: &txn.Finalize{}}, "finalize-deployment"},
		{txn.Change{Rollback: true}, "rollback"},
		{txn.Change{Idempotent: true}, "override"},
	} {
		got, err := busapi.Required(c.change)
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(got, " "), "%+v", c.change)
	}
}

// TestChangeOverTheBus: a change that is encoded and decoded is the same.
func TestChangeOverTheBus(t *testing.T) {
	t.Parallel()
	for _, c := range []txn.Change{
		{Upgrade: true, AllowDowngrade: true},
		{Install: []string{"a", "b=1"}, Uninstall: []string{"c"}, Idempotent: true},
		{Rebase: &txn.Rebase{Refspec: "a:b", Revision: "3", SkipPurge: true}},
		{Finalize: &txn.Finalize{Checksum: "abc", AllowUnlocked: true}},
	} {
		dict, err := busapi.Encode(c)
		require.NoError(t, err)
		var back txn.Change
		require.NoError(t, busapi.Decode(&back, dict))
		require.Equal(t, c, back)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "conf")
	c, err := busapi.LoadConfig(path)
	require.NoError(t, err)
	require.Equal(t, busapi.DefaultConfig(), c)
	shipped, err := busapi.LoadConfig("../../data/apt-ostreed.conf")
	require.NoError(t, err)
	require.Equal(t, busapi.DefaultConfig(), shipped)
	for text, want := range map[string]func(*busapi.Config){
		"AutomaticUpdatePolicy=off":      func(*busapi.Config) {},
		"AutomaticUpdatePolicy=ex-stage": func(c *busapi.Config) { c.AutomaticUpdatePolicy = busapi.PolicyStage },
		"AutomaticUpdatePolicy=apply":    func(c *busapi.Config) { c.AutomaticUpdatePolicy = busapi.PolicyApply },
		"IdleExitTimeout=0":              func(c *busapi.Config) { c.IdleExitTimeout = 0 },
		"StartTimeout=5":                 func(c *busapi.Config) { c.StartTimeout = 5 * time.Second },
		"LockLayering=true":              func(c *busapi.Config) { c.LockLayering = true },
		"RpmOstreeCompatibility=true":    func(c *busapi.Config) { c.RpmOstreeCompatibility = true },
		"Future=1":                       func(c *busapi.Config) { c.Unknown = []string{"Future"} },
	} {
		require.NoError(t, os.WriteFile(path, []byte("[Daemon]\n"+text+"\n"), 0o644))
		c, err := busapi.LoadConfig(path)
		require.NoError(t, err, text)
		expected := busapi.DefaultConfig()
		want(&expected)
		require.Equal(t, expected, c, text)
	}
	for text, want := range map[string]string{
		"[Daemon]\nAutomaticUpdatePolicy=weekly": "AutomaticUpdatePolicy=weekly: neither",
		"[Daemon]\nIdleExitTimeout=-1":           "IdleExitTimeout=-1: not a number of seconds",
		"[Daemon]\nIdleExitTimeout=1h":           "not a number of seconds",
		"[Daemon]\nLockLayering=maybe":           "LockLayering=maybe",
		"nonsense":                               path,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := busapi.LoadConfig(path)
		require.ErrorContains(t, err, want)
	}
}
