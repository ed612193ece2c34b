package busapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// fdConn is a connection to a bus that keeps received file descriptors apart from messages. The D-Bus package
// cannot decode lists of them, which is how packages are passed, and leaves those of messages that nobody handles
// open. So its messages hold indexes only, the descriptors queue up here, and each message takes its own.
type fdConn struct {
	conn *net.UnixConn
	in   *bufio.Reader
	// arrived is told of each call.
	arrived func()

	mu    sync.Mutex
	queue []int
	taken map[*dbus.Message][]*os.File
}

// dialBus connects to a bus by its address and returns the connection authenticated and with a name.
// Arrived is told of each call before that is handled.
func dialBus(address string, arrived func(), options ...dbus.ConnOption) (*dbus.Conn, *fdConn, error) {
	path, err := socketPath(address)
	if err != nil {
		return nil, nil, err
	}
	raw, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, nil, fmt.Errorf("bus: %w", err)
	}
	f := &fdConn{conn: raw, arrived: arrived, taken: map[*dbus.Message][]*os.File{}}
	f.in = bufio.NewReader(readerFunc(f.receive))
	conn, err := dbus.NewConn(f, append(options, dbus.WithIncomingInterceptor(f.intercept))...)
	if err != nil {
		return nil, nil, errors.Join(err, raw.Close())
	}
	if err := conn.Auth(nil); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("bus %s: %w", path, err), conn.Close())
	}
	if err := conn.Hello(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("bus %s: %w", path, err), conn.Close())
	}
	return conn, f, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// maxControl holds as many descriptors as the kernel passes at once.
const maxControl = 253 * 4

// receive reads bytes, and whatever descriptors come with them.
func (f *fdConn) receive(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(maxControl))
	n, oobn, _, _, err := f.conn.ReadMsgUnix(b, oob)
	if err != nil {
		return max(n, 0), err
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // another kind of control message
		}
		f.mu.Lock()
		f.queue = append(f.queue, fds...)
		f.mu.Unlock()
	}
	return n, nil
}

func (f *fdConn) Read(b []byte) (int, error) { return f.in.Read(b) }

// Write sends bytes; before the last line of the authentication it asks for descriptors, which the D-Bus package
// does for its own transport only.
func (f *fdConn) Write(b []byte) (int, error) {
	if !bytes.Equal(b, []byte("BEGIN\r\n")) {
		return f.conn.Write(b)
	}
	if _, err := f.conn.Write([]byte("NEGOTIATE_UNIX_FD\r\n")); err != nil {
		return 0, err
	}
	answer, err := f.in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if answer != "AGREE_UNIX_FD\r\n" {
		return 0, errors.New("the bus passes no file descriptors")
	}
	return f.conn.Write(b)
}

// Close closes the connection, and descriptors that nobody took.
func (f *fdConn) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fd := range f.queue {
		unix.Close(fd) //nolint:errcheck // nothing was written to it
	}
	f.queue = nil
	return f.conn.Close()
}

// intercept gives each message its descriptors, before the message is handled. Those of anything but calls are
// closed.
func (f *fdConn) intercept(m *dbus.Message) {
	iface, _ := m.Headers[dbus.FieldInterface].Value().(string)
	handled := m.Type == dbus.TypeMethodCall && iface != "org.freedesktop.DBus.Peer"
	if handled {
		f.arrived()
	}
	n, _ := m.Headers[dbus.FieldUnixFDs].Value().(uint32)
	if n == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var files []*os.File
	for range min(int(n), len(f.queue)) {
		files = append(files, os.NewFile(uintptr(f.queue[0]), "file descriptor of a caller"))
		f.queue = f.queue[1:]
	}
	if !handled {
		closeAll(files) // it does not come to the handler
		return
	}
	f.taken[m] = files
}

// take gives the descriptors of a call; the caller closes them.
func (f *fdConn) take(m *dbus.Message) []*os.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := f.taken[m]
	delete(f.taken, m)
	return files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() // only read from
	}
}
