package fetch_test

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
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// serveTLS answers with the protocol and the name of the client's certificate.
func serveTLS(t *testing.T, authorities *x509.CertPool) (*url.URL, string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.Proto
		for _, c := range r.TLS.PeerCertificates {
			text += " " + c.Subject.CommonName
		}
		_, _ = io.WriteString(w, text)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if authorities != nil {
		s.TLS = &tls.Config{ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return parse(t, s.URL), writePEM(t, "CERTIFICATE", s.Certificate().Raw)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// identity makes a certificate that signs itself.
func identity(t *testing.T, name string) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return cert, writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", keyDER)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	at, ca := serveTLS(t, nil)
	_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonCertificate, 0)
	for _, c := range []struct {
		opts fetch.Options
		want string
	}{
		{fetch.Options{TLS: fetch.TLSOptions{CAFile: ca}}, "HTTP/2.0"},
		{fetch.Options{TLS: fetch.TLSOptions{Permissive: true}}, "HTTP/2.0"},
		{fetch.Options{TLS: fetch.TLSOptions{CAFile: ca}, HTTP1: true}, "HTTP/1.1"},
	} {
		require.Equal(t, c.want, read(t, newClient(t, c.opts).NewTarget(at), "x", fetch.GetOptions{}))
	}
}

func TestPlainServerIsNotTLS(t *testing.T) {
	t.Parallel()
	at := serve(t, echo)
	at.Scheme = "https"
	_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonTLS, 0)
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	cert, certFile, keyFile := identity(t, "me")
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	at, ca := serveTLS(t, pool)
	opts := fetch.Options{HTTP1: true, TLS: fetch.TLSOptions{CAFile: ca, CertFile: certFile, KeyFile: keyFile}}
	require.Equal(t, "HTTP/1.1 me", read(t, newClient(t, opts).NewTarget(at), "x", fetch.GetOptions{}))
	opts.HTTP1 = false
	require.Equal(t, "HTTP/2.0 me", read(t, newClient(t, opts).NewTarget(at), "x", fetch.GetOptions{}))
	opts.TLS.CertFile, opts.TLS.KeyFile = "", ""
	_, _, err := newClient(t, opts).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	// The server's refusal comes after the handshake, so the end of the connection
	// may be seen first.
	var failed *fetch.Error
	require.ErrorAs(t, err, &failed)
	require.Contains(t, []fetch.Reason{fetch.ReasonTLS, fetch.ReasonReceive}, failed.Reason)
}

func TestBadTLSFiles(t *testing.T) {
	t.Parallel()
	_, certFile, keyFile := identity(t, "me")
	_, _, otherKey := identity(t, "other")
	none := filepath.Join(t.TempDir(), "none")
	for _, o := range []fetch.TLSOptions{
		{CAFile: none},
		{CAFile: keyFile},
		{CertFile: certFile},
		{KeyFile: keyFile},
		{CertFile: none, KeyFile: keyFile},
		{CertFile: certFile, KeyFile: otherKey},
	} {
		_, err := fetch.New(fetch.Options{TLS: o})
		require.ErrorContains(t, err, "tls ")
	}
}
