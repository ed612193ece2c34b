// Package tlstest has servers and clients with certificates, for tests.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Identity is a certificate that signs itself, with its key in files.
type Identity struct {
	Certificate       *x509.Certificate
	CertFile, KeyFile string
}

// NewIdentity makes one that a client with this common name can show.
func NewIdentity(t testing.TB, name string) Identity {
	t.Helper()
	c := Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name},
		IsCA:    true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, nil)
	return Identity{c.Leaf, write(t, c.CertPEM), write(t, c.KeyPEM)}
}

// Issued is a certificate with its key, for Go and as in the files.
type Issued struct {
	tls.Certificate
	CertPEM, KeyPEM []byte
}

// Issue makes a key and a certificate that is valid for an hour, signed by an authority, or by itself if that is nil.
func Issue(t testing.TB, template x509.Certificate, by *Issued) Issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := &template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	issued := Issued{CertPEM: encode("CERTIFICATE", der), KeyPEM: encode("PRIVATE KEY", keyDER)}
	issued.Certificate, err = tls.X509KeyPair(issued.CertPEM, issued.KeyPEM)
	require.NoError(t, err)
	return issued
}

// Serve starts a server for HTTP 1.1 and 2 until the end of the test, and gives the file with its
// certificate. If there are clients, it serves those alone.
func Serve(t testing.TB, handler http.Handler, clients ...Identity) (server *httptest.Server, caFile string) {
	t.Helper()
	server = httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	if len(clients) > 0 {
		pool := x509.NewCertPool()
		for _, c := range clients {
			pool.AddCert(c.Certificate)
		}
		server.TLS = &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, write(t, encode("CERTIFICATE", server.Certificate().Raw))
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
