package apt_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/tlstest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca := tlstest.Issue(t, x509.Certificate{IsCA: true, BasicConstraintsValid: true, Subject: pkix.Name{CommonName: "ca"}}, nil)
	server := tlstest.Issue(t, x509.Certificate{DNSNames: []string{"archive.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, &ca)
	named := tlstest.Issue(t, x509.Certificate{DNSNames: []string{"other.example"}}, &ca)
	user := tlstest.Issue(t, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, &ca)
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := a.Publish()
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	serve := func(by tlstest.Issued) source.Source {
		ts := httptest.NewUnstartedServer(a)
		ts.TLS = &tls.Config{Certificates: []tls.Certificate{by.Certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
		ts.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
		ts.StartTLS()
		t.Cleanup(ts.Close)
		at := s
		at.URIs = []string{ts.URL + "/"}
		return at
	}
	good, misnamed := serve(server), serve(named)
	files := map[string]string{
		"ca.pem": string(ca.CertPEM), "cert.pem": string(user.CertPEM), "key.pem": string(user.KeyPEM), "both.pem": string(user.CertPEM) + string(user.KeyPEM),
	}
	const authority, cert = `Acquire::Retries "0"; Acquire::https::CAInfo "/etc/apt/ca.pem";`, `Acquire::https::SslCert "/etc/apt/cert.pem"; Acquire::https::SslKey "/etc/apt/key.pem";`
	for name, c := range map[string]struct {
		config  string
		source  source.Source
		refuses string
	}{
		"both":           {authority + cert, good, ""},
		"one file":       {authority + `Acquire::https::127.0.0.1::SslCert "/etc/apt/both.pem";`, good, ""},
		"no certificate": {authority, good, "certificate required"},
		"no authority":   {`Acquire::Retries "0";` + cert, good, "unknown authority"},
		"another host's": {authority + `Acquire::https::other.example::SslCert "/etc/apt/both.pem";`, good, "certificate required"},
		"not verified":   {`Acquire::https::Verify-Peer "false";` + cert, good, ""},
		"wrong name":     {authority + cert, misnamed, "cannot validate certificate"},
		"any name":       {authority + cert + `Acquire::https::Verify-Host "false";`, misnamed, ""},
		"missing file":   {`Acquire::https::CAInfo "/etc/apt/none.pem";`, good, "do not exist"},
		"no key":         {authority + `Acquire::https::SslCert "/etc/apt/cert.pem";`, good, "client certificate"},
		"not PEM":        {`Acquire::https::CAInfo "/etc/apt/apt.conf";`, good, "no certificate in"},
		"directory":      {`Acquire::https::CAPath "/etc/apt/";`, good, "no certificate in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := configured(t, c.config, files)
			if c.refuses == "" {
				requireWorks(t, client, c.source)
				return
			}
			_, err := client.Update(t.Context(), []source.Source{c.source})
			require.ErrorContains(t, err, c.refuses)
		})
	}
}
