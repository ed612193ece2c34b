package busapi_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// encodeCall gives a call as it comes over a socket.
func encodeCall(f *testing.F, member string, body ...any) []byte {
	f.Helper()
	m := &dbus.Message{Type: dbus.TypeMethodCall, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/")), dbus.FieldMember: dbus.MakeVariant(member),
	}}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	var b bytes.Buffer
	require.NoError(f, m.EncodeTo(&b, binary.LittleEndian))
	out := b.Bytes()
	binary.LittleEndian.PutUint32(out[8:], 1)
	return out
}

// FuzzPeer says anything on the private socket of a transaction: the server ends with the connection, and nothing is
// started by who does not say so after the handshake.
func FuzzPeer(f *testing.F) {
	const handshake = "\x00AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
	start := encodeCall(f, "Start")
	f.Add([]byte(handshake + string(start)))
	f.Add([]byte(handshake + string(encodeCall(f, "Cancel")) + string(start) + string(start)))
	f.Add([]byte(handshake + string(encodeCall(f, "Get", "", "Title"))))
	f.Add([]byte(handshake + string(encodeCall(f, "Get", map[string]dbus.Variant{"a": dbus.MakeVariant([]any{1, "x"})}))))
	f.Add([]byte("\x00AUTH\r\nAUTH EXTERNAL\r\nDATA\r\nCANCEL\r\n\r\n" + string(start)))
	f.Add(start)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		client, server := socket(t, fds[0]), socket(t, fds[1])
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, client) // it ends with the server
		}()
		written := make(chan struct{})
		go func() {
			defer close(written)
			if _, err := client.Write(data); err == nil { // the server may end before it has read all
				_ = client.CloseWrite()
			}
		}()
		started, err := busapi.ServePeer(server)
		require.NoError(t, err)
		<-written
		<-read
		if !bytes.Contains(data, []byte("BEGIN")) || !bytes.Contains(data, []byte("Start")) {
			require.False(t, started)
		}
	})
}

// socket is one end of a pair.
func socket(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	conn, err := net.FileConn(f)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the server has closed its own
	unixConn, ok := conn.(*net.UnixConn)
	require.True(t, ok)
	return unixConn
}

// FuzzOptions decodes any message with a dictionary: what is a change is the same change after another journey, and
// needs some right.
func FuzzOptions(f *testing.F) {
	for _, dict := range []map[string]dbus.Variant{
		{},
		{"install": dbus.MakeVariant([]string{"a", "b"}), "idempotent": dbus.MakeVariant(true)},
		{"rebase": dbus.MakeVariant(map[string]dbus.Variant{"refspec": dbus.MakeVariant("a:b")})},
		{"cleanup": dbus.MakeVariant(map[string]dbus.Variant{"pending": dbus.MakeVariant(true)})},
		{"pin": dbus.MakeVariant(map[string]dbus.Variant{"index": dbus.MakeVariant([]dbus.Variant{dbus.MakeVariant(int32(1))})})},
		{"custom-origin": dbus.MakeVariant(struct{ A, B string }{"x", "y"}), "allow-downgrade": dbus.MakeVariant(false)},
		{"install-local-packages": dbus.MakeVariant([]dbus.UnixFDIndex{0, 7}), "set-revision": dbus.MakeVariant("1")},
		{"mode": dbus.MakeVariant(uint64(1) << 63)},
	} {
		f.Add(encodeCall(f, "Change", dict))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := dbus.DecodeMessage(bytes.NewReader(data))
		if err != nil || len(m.Body) == 0 {
			return
		}
		dict, ok := m.Body[0].(map[string]dbus.Variant)
		if !ok {
			return
		}
		for _, options := range busapi.Options() {
			_ = busapi.Decode(options, dict) // of another method
		}
		var change, again txn.Change
		if busapi.Decode(&change, dict) != nil {
			return
		}
		encoded, err := busapi.Encode(change)
		require.NoError(t, err)
		require.NoError(t, busapi.Decode(&again, encoded))
		second, err := busapi.Encode(again)
		require.NoError(t, err)
		require.Equal(t, encoded, second)
		rights, err := busapi.Required(change)
		require.NoError(t, err)
		require.NotEmpty(t, rights)
	})
}
