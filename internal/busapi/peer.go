package busapi

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// peer is one connection to a transaction: D-Bus without a bus, of which this is the server's side.
type peer struct {
	peers *peers
	conn  *net.UnixConn
	in    *bufio.Reader
	out   chan []byte
	once  sync.Once
	gone  chan struct{}
	// arrived is set once the peer has called Start.
	arrived bool
}

// maxMessage is more than any call to a transaction has.
const maxMessage = 64 << 10

// authTime is how long a peer has to introduce itself.
const authTime = 10 * time.Second

func newPeer(p *peers, conn *net.UnixConn) *peer {
	return &peer{peers: p, conn: conn, in: bufio.NewReader(conn), out: make(chan []byte, maxQueue), gone: make(chan struct{})}
}

// serve talks to the peer until either side closes.
func (p *peer) serve() {
	defer p.leave()
	if err := p.authenticate(); err != nil {
		p.peers.txn.server.log.Debug("peer", "error", err)
		return
	}
	go p.write()
	for {
		m, err := p.read()
		if err != nil {
			return
		}
		if m.Type == dbus.TypeMethodCall {
			p.handle(m)
		}
	}
}

func (p *peer) leave() {
	p.once.Do(func() { close(p.gone) })
	p.conn.Close() // nothing is left to be said
	p.peers.remove(p)
}

// send queues a message; a peer that does not read them is cut off.
func (p *peer) send(message []byte) {
	select {
	case p.out <- message:
	default:
		p.conn.Close() // the reader notices
	}
}

func (p *peer) write() {
	for {
		select {
		case <-p.gone:
			return
		case message := <-p.out:
			if _, err := p.conn.Write(message); err != nil {
				p.conn.Close() // the reader notices
				return
			}
		}
	}
}

// authenticate is the handshake of the D-Bus specification, with EXTERNAL as the only way. What the peer says of
// itself does not matter: the kernel has said it before.
func (p *peer) authenticate() error {
	if err := p.conn.SetDeadline(time.Now().Add(authTime)); err != nil {
		return err
	}
	if b, err := p.in.ReadByte(); err != nil || b != 0 {
		return errors.Join(errors.New("no null byte"), err)
	}
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		words := strings.Fields(string(line))
		answer := "ERROR\r\n"
		switch {
		case len(words) == 0:
		case words[0] == "BEGIN":
			return p.conn.SetDeadline(time.Time{})
		case words[0] == "AUTH" && len(words) >= 2 && words[1] == "EXTERNAL":
			if answer = p.ok(); len(words) == 2 {
				answer = "DATA\r\n"
			}
		case words[0] == "DATA":
			answer = p.ok()
		case words[0] == "AUTH", words[0] == "CANCEL":
			answer = "REJECTED EXTERNAL\r\n"
		}
		if _, err := io.WriteString(p.conn, answer); err != nil {
			return err
		}
	}
}

// ok has the identity of the server, which is that of the socket.
func (p *peer) ok() string {
	return "OK " + hex.EncodeToString([]byte(fmt.Sprintf("%-16.16s", strings.TrimPrefix(p.peers.path[strings.LastIndexByte(p.peers.path, '/')+1:], socketPrefix)))) + "\r\n"
}

// read reads one message, which must be small.
func (p *peer) read() (*dbus.Message, error) {
	head, err := p.in.Peek(16)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'B' {
		order = binary.BigEndian
	}
	if body, fields := order.Uint32(head[4:]), order.Uint32(head[12:]); body > maxMessage || fields > maxMessage {
		return nil, errors.New("a message that is too long")
	}
	return dbus.DecodeMessage(io.LimitReader(p.in, 3*maxMessage))
}

// handle answers a call.
func (p *peer) handle(m *dbus.Message) {
	result, err := p.call(m)
	if m.Flags&dbus.FlagNoReplyExpected != 0 {
		return
	}
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Body: result, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(m.Serial())}}
	if err != nil {
		failure := dbusError(p.peers.txn.names, err)
		reply.Type, reply.Body = dbus.TypeError, failure.Body
		reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(failure.Name)
	}
	p.send(encodeMessage(reply))
}

// encodeMessage gives a message as bytes. Nobody answers ours, so all have the same serial.
func encodeMessage(m *dbus.Message) []byte {
	if len(m.Body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(m.Body...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, binary.LittleEndian); err != nil {
		panic(err) // our own values, which have types
	}
	out := b.Bytes()
	binary.LittleEndian.PutUint32(out[8:], 1)
	return out
}
