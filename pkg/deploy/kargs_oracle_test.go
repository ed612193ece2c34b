package deploy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// What "ostree admin instutil set-kargs" makes of a command line is what an Edit makes of it.
func TestEditsLikeOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	r := rand.New(rand.NewPCG(7, 7))
	pool := []string{"a", "a=", "a=1", "a=2", "b=1", "b=x=y", "c", "d=e,f", "console=tty0", "console=ttyS0,115200", "a.b=1", "a-b", "a_b", `q="v"`, `dyndbg="file a.c +p"`}
	some := func(limit int) []string {
		var out []string
		for range r.IntN(limit) {
			out = append(out, pool[r.IntN(len(pool))])
		}
		return out
	}
	want := kargs.Args{}
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for range rounds {
		edit := kargs.Edit{}
		var args []string
		edit.Set, edit.Append = some(3), some(4)
		args = append(args, "instutil", "set-kargs", "--merge", "--sysroot="+s.Path())
		for _, arg := range edit.Set {
			args = append(args, "--replace="+arg)
		}
		for _, arg := range edit.Append {
			args = append(args, "--append="+arg)
		}
		if r.IntN(8) == 0 {
			// Lines grow; begin again.
			ostreeTool(t, "admin", "instutil", "set-kargs", "--sysroot="+s.Path(), "a=1")
			want = kargs.Args{"a=1"}
		}
		next, err := edit.Apply(want)
		require.NoError(t, err)
		if edit.IsZero() {
			continue
		}
		ostreeTool(t, append([]string{"admin"}, args...)...)
		require.Equal(t, next.String(), deployments(t, s)[0].Kargs.String(), fmt.Sprint(want.String(), " with ", strings.Join(args, " ")))
		want = next
	}
}
