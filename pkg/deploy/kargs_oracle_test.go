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

// What "ostree admin instutil set-kargs" makes of a command line is what an Edit makes of it. Quotes are kept; older
// versions of the tool split arguments at spaces in them, so there are none here.
func TestEditsLikeOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	r := rand.New(rand.NewPCG(7, 7))
	pool := []string{"a", "a=", "a=1", "a=2", "b=1", "b=x=y", "c", "d=e,f", "console=tty0", "console=ttyS0,115200", "a.b=1", "a-b", "a_b", `q="v"`, `c="w,x"`}
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

// What "ostree admin deploy --karg-delete" takes away, and what it refuses to, is what an Edit does.
func TestDeletesLikeOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	for _, c := range []struct{ line, arg string }{
		{"a b c", "b"},
		{"a=1 b", "a"},
		{"a=1 b", "a=1"},
		{"a=1 b", "a=2"},
		{"a=1 b", "a="},
		{"a= b", "a"},
		{"a=1 a=2 b", "a"},
		{"a=1 a=2 b", "a=2"},
		{"a=1 a=2 b", "a=3"},
		{"a=1 a b", "a"},
		{"a=1 a=1 b", "a=1"},
		{"b", "a"},
		{"b", "a=1"},
		{`x="1" b`, `x="1"`},
		{`x="1" b`, "x=1"},
		{"root=UUID=1=2 b", "root=UUID=1=2"},
	} {
		ostreeTool(t, append([]string{"admin", "instutil", "set-kargs", "--sysroot=" + s.Path()}, kargs.Parse(c.line)...)...)
		want, wantErr := kargs.Edit{Delete: []string{c.arg}}.Apply(kargs.Parse(c.line))
		out, err := tryOstree(t, "admin", "deploy", "--sysroot="+s.Path(), "--os=os", "--karg-delete="+c.arg, "branch/1")
		require.Equal(t, wantErr != nil, err != nil, "delete %s from %s: %v; the tool: %s", c.arg, c.line, wantErr, out)
		if err == nil {
			require.Equal(t, want.String(), deployments(t, s)[0].Kargs.String(), "delete %s from %s", c.arg, c.line)
		}
	}
}
