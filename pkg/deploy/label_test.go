package deploy_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

func TestEnsureLabels(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	policy, err := selinux.Read(fstest.MapFS{
		"etc/selinux/config": {Data: []byte("SELINUX=enforcing\nSELINUXTYPE=test\n")},
		"etc/selinux/test/contexts/files/file_contexts": {Data: []byte(
			"/.*\tsystem_u:object_r:default_t:s0\n/var/log(/.*)?\tsystem_u:object_r:var_log_t:s0\n/var/cache(/.*)?\t<<none>>\n")},
	})
	require.NoError(t, err)
	dir := tempDir(t)
	for _, name := range []string{"log/syslog", "log/labelled", "log/object", "cache/x"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	require.NoError(t, os.Symlink("syslog", dir+"/log/link"))
	require.NoError(t, unix.Setxattr(dir+"/log/labelled", "security.selinux", []byte("own"), 0))
	require.NoError(t, os.Link(dir+"/log/object", dir+"/log/other"))

	noted := make(map[string]string)
	note := func(_, as, label string) { noted[as] = label }
	require.NoError(t, deploy.EnsureLabels(t.Context(), policy, dir, "var", note))
	const log = "system_u:object_r:var_log_t:s0"
	require.Equal(t, map[string]string{
		"/var": "system_u:object_r:default_t:s0", "/var/log": log, "/var/log/syslog": log, "/var/log/link": log,
	}, noted, "labelled files keep their label, links to objects and files of no label are left alone")
	value := make([]byte, 64)
	n, err := unix.Lgetxattr(dir+"/log/link", "security.selinux", value)
	require.NoError(t, err)
	require.Equal(t, log+"\x00", string(value[:n]))

	clear(noted)
	require.NoError(t, deploy.EnsureLabels(t.Context(), policy, dir, "var", note))
	require.Empty(t, noted)
}
