package ostree_test

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
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// pemFile writes a block to a file and returns its path.
func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// clientIdentity makes a certificate that signs itself, and its key.
func clientIdentity(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "subscriber"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return cert, pemFile(t, "CERTIFICATE", der), pemFile(t, "PRIVATE KEY", keyDER)
}

// TestPullOverTLS pulls from a server that wants to know its clients, with every
// key of the configuration that is about connections.
func TestPullOverTLS(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", ostreetest.Plain())
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	identity, certFile, keyFile := clientIdentity(t)

	var mu sync.Mutex
	protocols := make(map[string]bool)
	files := http.FileServer(http.Dir(src.Path()))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		protocols[r.Proto] = true
		mu.Unlock()
		cookie, err := r.Cookie("foo")
		user, password, _ := r.BasicAuth()
		if err != nil || cookie.Value != "bar" || user != "me" || password != "secret" || r.Header.Get("X-Token") != "token" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(identity)
	server.TLS = &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)

	at := "https://me:secret@" + server.Listener.Addr().String()
	good := map[string]string{
		"url": at, "gpg-verify": "false", "tls-ca-path": pemFile(t, "CERTIFICATE", server.Certificate().Raw),
		"tls-client-cert-path": certFile, "tls-client-key-path": keyFile,
	}
	header := http.Header{"X-Token": {"token"}}
	for _, c2 := range []struct {
		change   map[string]string
		protocol string // "" if the pull must fail
	}{
		{nil, "HTTP/2.0"},
		{map[string]string{"http2": "false"}, "HTTP/1.1"},
		{map[string]string{"tls-ca-path": "", "tls-permissive": "true"}, "HTTP/2.0"},
		{map[string]string{"tls-ca-path": ""}, ""},
		{map[string]string{"tls-client-cert-path": "", "tls-client-key-path": ""}, ""},
	} {
		options := maps.Clone(good)
		maps.Copy(options, c2.change)
		mu.Lock()
		clear(protocols)
		mu.Unlock()
		r := client(t, options)
		require.NoError(t, r.AddCookie("o", ostree.Cookie{Domain: "127.0.0.1", Path: "/", Name: "foo", Value: "bar", Secure: true}))
		_, err := r.Pull(t.Context(), "o", ostree.PullOptions{
			Refs: []ostree.PullRef{{Ref: "main"}}, Fetch: ostree.FetchOptions{Header: header, Retries: -1},
		})
		if c2.protocol == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		mu.Lock()
		require.Equal(t, map[string]bool{c2.protocol: true}, protocols)
		mu.Unlock()
		got, err := r.Resolve(t.Context(), "o:main")
		require.NoError(t, err)
		require.Equal(t, c, got)
	}

	r := client(t, good)
	_, err := r.Pull(t.Context(), "o", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "main"}}, Fetch: ostree.FetchOptions{Header: header}})
	var failed *ostree.FetchError
	require.ErrorAs(t, err, &failed, "without the cookie")
	require.Equal(t, http.StatusUnauthorized, failed.Status)
	require.NotContains(t, err.Error(), "secret")
}
