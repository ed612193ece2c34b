package busapi

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// peers are the connections to the private socket of one transaction.
type peers struct {
	txn      *transaction
	path     string
	listener *net.UnixListener

	mu       sync.Mutex
	all      map[*peer]bool
	expected int // have the address and have not called Start yet
	closed   bool
	empty    chan struct{} // a peer left
}

// Limits of a private socket. Who reads slower than a transaction tells is cut off, rather than kept in memory.
const (
	maxPeers     = 16
	maxQueue     = 4096
	lingerTime   = 30 * time.Second
	socketPrefix = "transaction-"
)

// prepareRunDir makes the directory of sockets and removes those that a killed daemon left.
func prepareRunDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, socketPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"}); err == nil {
			conn.Close() // another daemon has it
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// listenPeers opens the socket. Everybody may connect; whose the other end is decides.
func listenPeers(t *transaction) (*peers, error) {
	var random [8]byte
	rand.Read(random[:])
	path := filepath.Join(t.server.opts.RunDir, socketPrefix+hex.EncodeToString(random[:])+".sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket of the transaction: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p := &peers{txn: t, path: path, listener: listener, all: map[*peer]bool{}, empty: make(chan struct{}, 1)}
	go p.accept()
	return p, nil
}

func (p *peers) accept() {
	for {
		conn, err := p.listener.AcceptUnix()
		if err != nil {
			return // closed
		}
		if uid, err := peerUID(conn); err != nil || uid != 0 && uid != p.txn.uid {
			p.txn.server.log.Warn("a stranger at the socket of a transaction", "uid", uid, "error", err)
			conn.Close() // nothing was said
			continue
		}
		one := newPeer(p, conn)
		p.mu.Lock()
		full := p.closed || len(p.all) >= maxPeers
		if !full {
			p.all[one] = true
			p.txn.catchUp(one)
		}
		p.mu.Unlock()
		if full {
			conn.Close() // nothing was said
			continue
		}
		go one.serve()
	}
}

// peerUID asks the kernel who connected.
func peerUID(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}

// broadcast sends a message to all who listen.
func (p *peers) broadcast(message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for one := range p.all {
		one.send(message)
	}
}

func (p *peers) remove(one *peer) {
	p.mu.Lock()
	delete(p.all, one)
	p.mu.Unlock()
	select {
	case p.empty <- struct{}{}:
	default: // it has been noted already
	}
}

// expect notes that somebody has been given the address.
func (p *peers) expect() {
	p.mu.Lock()
	p.expected++
	p.mu.Unlock()
}

// arrived notes that one of those who were given the address calls Start. Others connect too, to look on or to cancel.
func (p *peers) arrived() {
	p.mu.Lock()
	p.expected = max(0, p.expected-1)
	p.mu.Unlock()
}

// awaited counts who listens, and who has the address and has not called Start yet.
func (p *peers) awaited() (listening, expected int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all), p.expected
}

// linger waits for the listeners of a finished transaction to leave, and for those who joined it at the last moment to
// hear of its end, not for ever, and closes the socket.
func (p *peers) linger() {
	deadline := time.After(lingerTime)
	for {
		listening, expected := p.awaited()
		if listening+expected == 0 {
			break
		}
		select {
		case <-p.empty:
			continue
		case <-p.txn.server.ctx.Done():
			if listening > 0 {
				time.Sleep(time.Second)
			}
		case <-deadline:
		}
		break
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.listener.Close() // removes the socket
	for one := range p.all {
		one.conn.Close() // it had its time
	}
}
