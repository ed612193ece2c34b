package busapi_test

import (
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
)

// do calls a method that makes a transaction, and sees it through.
func (b *bus) do(method string, args ...any) {
	b.t.Helper()
	conn := b.connect()
	var address string
	require.NoError(b.t, conn.Object(name, osPath).Call(name+".OS."+method, 0, args...).Store(&address), method)
	p, signals := stranger{b.t, conn, name}.peer(address)
	require.NoError(b.t, p.conn.Object("", "/").Call(name+".Transaction.Start", 0).Err)
	require.Equal(b.t, []any{true, ""}, p.finished(signals), method)
	conn.Close()
}

// TestBootMethods: kernel arguments, tracked files, and what is removed.
func TestBootMethods(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	options := func(pending bool) string {
		var config values
		require.NoError(t, b.connect().Object(name, osPath).Call(name+".OS.GetDeploymentBootConfig", 0, "", pending).Store(&config))
		return config["options"].Value().(string)
	}
	none := []string{}
	before := options(true)
	b.do("KernelArgs", before, []string{"quiet", "console=ttyS0"}, none, none, values{"append-if-missing": dbus.MakeVariant([]string{"quiet", "splash"})})
	require.Contains(t, options(true), "quiet console=ttyS0 splash")
	b.do("KernelArgs", "", none, []string{"console=tty1"}, []string{"splash"}, values{})
	require.Contains(t, options(true), "quiet console=tty1")
	require.NotContains(t, options(true), "splash")
	b.do("KernelArgs", options(true), none, none, none, values{"final-kernel-args": dbus.MakeVariant("debug \"a b=c d\"")})
	require.Contains(t, options(true), `debug "a b=c d"`)

	conn := b.connect()
	var address string
	require.NoError(t, conn.Object(name, osPath).Call(name+".OS.KernelArgs", 0, "not=these", []string{"x"}, none, none, values{}).Store(&address))
	p, signals := stranger{t, conn, name}.peer(address)
	require.NoError(t, p.conn.Object("", "/").Call(name+".Transaction.Start", 0).Err)
	require.Equal(t, false, p.finished(signals)[0], "the arguments that the caller has seen are others")

	b.do("RefreshMd", values{"force": dbus.MakeVariant(true)})
	require.Len(t, b.versions(), 2)
	b.do("Cleanup", []string{"rollback-deploy", "base"})
	require.Len(t, b.versions(), 1)
	err := conn.Object(name, osPath).Call(name+".OS.Cleanup", 0, []string{"everything"}).Err
	require.ErrorContains(t, err, "everything: neither base")

	out := b.cli(0, "kargs", "--append=by-cli")
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, options(true), "by-cli")
}
