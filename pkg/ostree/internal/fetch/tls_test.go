package fetch_test

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/tlstest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// serveTLS answers with the protocol and the name of the client's certificate.
func serveTLS(t *testing.T, clients ...tlstest.Identity) (*url.URL, string) {
	t.Helper()
	s, ca := tlstest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.Proto
		for _, c := range r.TLS.PeerCertificates {
			text += " " + c.Subject.CommonName
		}
		_, _ = io.WriteString(w, text)
	}), clients...)
	return parse(t, s.URL), ca
}

func TestTLS(t *testing.T) {
	t.Parallel()
	at, ca := serveTLS(t)
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
	me := tlstest.NewIdentity(t, "me")
	at, ca := serveTLS(t, me)
	opts := fetch.Options{HTTP1: true, TLS: fetch.TLSOptions{CAFile: ca, CertFile: me.CertFile, KeyFile: me.KeyFile}}
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
	me, other := tlstest.NewIdentity(t, "me"), tlstest.NewIdentity(t, "other")
	none := filepath.Join(t.TempDir(), "none")
	for _, o := range []fetch.TLSOptions{
		{CAFile: none},
		{CAFile: me.KeyFile},
		{CertFile: me.CertFile},
		{KeyFile: me.KeyFile},
		{CertFile: none, KeyFile: me.KeyFile},
		{CertFile: me.CertFile, KeyFile: other.KeyFile},
	} {
		_, err := fetch.New(fetch.Options{TLS: o})
		require.ErrorContains(t, err, "tls ")
	}
}
