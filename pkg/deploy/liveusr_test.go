package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// TestWritableUsr writes where everybody else may only read, and everybody sees it.
func TestWritableUsr(t *testing.T) {
	t.Parallel()
	s, usr := unlockable(t)
	unlock(t, s, usr, deploy.UnlockTransient)
	handle, err := s.WritableUsr()
	require.NoError(t, err)
	inside := fmt.Sprintf("/proc/self/fd/%d/bin/program", handle.Fd())
	require.NoError(t, os.WriteFile(inside, []byte("new"), 0o755))
	text, err := os.ReadFile(usr + "/bin/program")
	require.NoError(t, err)
	require.Equal(t, "new", string(text))
	require.ErrorIs(t, os.WriteFile(usr+"/bin/program", nil, 0o755), unix.EROFS)
	require.NoError(t, handle.Close())

	d := deployments(t, s)[0]
	require.FileExists(t, filepath.Join(s.StateDir(d), "unlocked-transient"))
	below, err := os.ReadFile(d.Path + "/usr/bin/program")
	require.NoError(t, err)
	require.Equal(t, "#!", string(below), "the tree below stays as it is")
}
