package oci

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// systemAuthFiles are where bootc and rpm-ostree look for the credentials of a system.
func systemAuthFiles() []string {
	return []string{"/run/ostree/auth.json", "/etc/ostree/auth.json", "/usr/lib/ostree/auth.json"}
}

// keychain finds credentials.
func (o Options) keychain() (authn.Keychain, error) {
	files := o.AuthFiles
	if files == nil {
		files = systemAuthFiles()
	}
	var chain []authn.Keychain
	for _, file := range files {
		k, err := readAuthFile(file)
		if errors.Is(err, fs.ErrNotExist) && o.AuthFiles == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		chain = append(chain, k)
	}
	return authn.NewMultiKeychain(append(chain, authn.DefaultKeychain)...), nil
}

// authFile has credentials by the registry, or by a beginning of the repository's name.
type authFile struct {
	Auths map[string]struct {
		Auth          string `json:"auth"` // USER:PASSWORD in base64
		IdentityToken string `json:"identitytoken"`
	} `json:"auths"`
}

func readAuthFile(name string) (*authFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readBounded(f, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var a authFile
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &a, nil
}

// Resolve implements authn.Keychain: the longest name that is the repository or above
// it counts.
func (a *authFile) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for key := target.String(); key != ""; {
		if have, ok := a.Auths[key]; ok {
			user, password, err := splitAuth(have.Auth)
			if err != nil {
				return nil, fmt.Errorf("credentials of %s: %w", key, err)
			}
			return authn.FromConfig(authn.AuthConfig{Username: user, Password: password, IdentityToken: have.IdentityToken}), nil
		}
		cut := strings.LastIndexByte(key, '/')
		key = key[:max(cut, 0)]
	}
	return authn.Anonymous, nil
}

func splitAuth(text string) (user, password string, err error) {
	if text == "" {
		return "", "", nil
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", err
	}
	user, password, ok := strings.Cut(string(plain), ":")
	if !ok {
		return "", "", errors.New("not USER:PASSWORD")
	}
	return user, password, nil
}

func readCloser(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }
