package conf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// TLS returns how a host is spoken to, as the options Acquire::https::CAInfo, CAPath, Verify-Peer,
// Verify-Host, SslCert and SslKey of apt-transport-https(1) say; the option of the host below them, as in
// Acquire::https::archive.example::SslCert, takes precedence. Files are below root, "/" for the running
// system. Without options it is nil.
func (c *Config) TLS(root, host string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if config.RootCAs, err = c.authorities(root, host); err != nil {
		return nil, err
	}
	cert, key := c.https(host, "SslCert"), c.https(host, "SslKey")
	if cert != "" {
		if key == "" {
			key = cert // one file with both
		}
		pair, err := loadPair(root, cert, key)
		if err != nil {
			return nil, fmt.Errorf("apt.conf: the client certificate for %s: %w", host, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	peer, name := c.httpsBool(host, "Verify-Peer"), c.httpsBool(host, "Verify-Host")
	switch {
	case !peer:
		config.InsecureSkipVerify = true
	case !name:
		// The chain counts, whoever it is for.
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, config.RootCAs) }
	case cert == "" && config.RootCAs == nil:
		return nil, nil
	}
	return config, nil
}

func (c *Config) https(host, option string) string {
	if value := c.Get("Acquire::https::" + host + "::" + option); value != "" {
		return value
	}
	return c.Get("Acquire::https::" + option)
}

func (c *Config) httpsBool(host, option string) bool {
	return c.Bool("Acquire::https::"+host+"::"+option, c.Bool("Acquire::https::"+option, true))
}

// authorities reads the certificates that CAInfo and CAPath name, nil if neither is set.
func (c *Config) authorities(root, host string) (*x509.CertPool, error) {
	info, dir := c.https(host, "CAInfo"), c.https(host, "CAPath")
	if info == "" && dir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if info != "" {
		if err := addAuthorities(pool, root, info); err != nil {
			return nil, err
		}
	}
	if dir == "" {
		return pool, nil
	}
	names, err := inroot.ReadDir(root, dir)
	if err != nil {
		return nil, fmt.Errorf("apt.conf: CAPath: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := addAuthorities(pool, root, path.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return pool, nil
}

func addAuthorities(pool *x509.CertPool, root, file string) error {
	data, err := inroot.ReadFile(root, file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("apt.conf: the certificates in %s do not exist: %w", file, err)
	}
	if err != nil {
		return fmt.Errorf("apt.conf: certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return fmt.Errorf("apt.conf: no certificate in %s", file)
	}
	return nil
}

func loadPair(root, cert, key string) (tls.Certificate, error) {
	certData, err := inroot.ReadFile(root, cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyData, err := inroot.ReadFile(root, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certData, keyData)
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}
