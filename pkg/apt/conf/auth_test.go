package conf_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
)

func TestAuth(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "etc/apt/auth.conf.d")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "../auth.conf"), []byte("# comment\nmachine a.example/path login u password p\nmachine a.example login other password o\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "10.conf"), []byte("machine http://b.example:8080\nlogin plain\npassword x\nmachine https://[2001:db8::1] login six password s"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "20.save"), []byte("garbage"), 0o600))
	a, err := conf.LoadAuth(root)
	require.NoError(t, err)
	for target, want := range map[string]string{
		"https://a.example/path/x":    "u",
		"https://A.example:443/other": "other",
		"http://a.example/path/x":     "",
		"http://b.example:8080/":      "plain",
		"http://b.example/":           "",
		"https://b.example:8080/":     "",
		"https://[2001:db8::1]/":      "six",
		"https://me:secret@a.example": "",
		"https://c.example/":          "",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		require.NoError(t, err)
		a.Authorize(r)
		login, _, _ := r.BasicAuth()
		require.Equal(t, want, login, target)
	}
}

func TestAuthRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"login x password hunter2":               "expected machine",
		"machine a.example login":                "no value",
		"machine a.example login x pass hunter2": "word 5 is none of",
	} {
		err := new(conf.Auth).Parse([]byte(text), "/a")
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "hunter2")
	}
	var none *conf.Auth
	none.Authorize(nil)
	a, err := conf.LoadAuth(filepath.Join(t.TempDir(), "missing"))
	require.NoError(t, err)
	require.NotNil(t, a)
}
