package apt_test

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
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// certificate makes a key and a certificate, signed by an authority or by itself.
func certificate(t *testing.T, template *x509.Certificate, ca *tls.Certificate) (pair tls.Certificate, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	pair, err = tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	require.NoError(t, err)
	return pair, certPEM, keyPEM
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca, caPEM, _ := certificate(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, Subject: pkix.Name{CommonName: "ca"}}, nil)
	server, _, _ := certificate(t, &x509.Certificate{DNSNames: []string{"archive.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, &ca)
	named, _, _ := certificate(t, &x509.Certificate{DNSNames: []string{"other.example"}}, &ca)
	_, certPEM, keyPEM := certificate(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, &ca)
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := a.Publish()
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	serve := func(certificate tls.Certificate) source.Source {
		ts := httptest.NewUnstartedServer(a)
		ts.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
		ts.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
		ts.StartTLS()
		t.Cleanup(ts.Close)
		at := s
		at.URIs = []string{ts.URL + "/"}
		return at
	}
	good, misnamed := serve(server), serve(named)
	files := map[string]string{"ca.pem": caPEM, "cert.pem": certPEM, "key.pem": keyPEM, "both.pem": certPEM + keyPEM}
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
