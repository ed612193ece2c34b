package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

func TestSetKargsReplacesThoseOfOneDeployment(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	mustDeploy(t, s, c, deploy.DeployOptions{Kargs: kargs.Args{"a=1"}})
	d := mustDeploy(t, s, c, deploy.DeployOptions{Kargs: kargs.Args{"b=2"}})
	require.NoError(t, s.SetKargs(t.Context(), *d, kargs.Args{"c", "ostree=/evil"}))
	list := deployments(t, s)
	require.Equal(t, kargs.Args{"c"}, list[0].Kargs, "what names the deployment is not an argument")
	require.Equal(t, kargs.Args{"a=1"}, list[1].Kargs)
	require.True(t, list[0].Same(*d))
	requireAgreement(t, s)

	err := s.SetKargs(t.Context(), *d, kargs.Args{"x\ny"})
	require.ErrorContains(t, err, "line breaks")
	require.Equal(t, list, deployments(t, s))
}

func TestEditKargsChangesAllDeployments(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	mustDeploy(t, s, c, deploy.DeployOptions{Kargs: kargs.Args{"quiet"}})
	mustDeploy(t, s, c, deploy.DeployOptions{Kargs: kargs.Args{"b=2"}})
	require.NoError(t, s.EditKargs(t.Context(), kargs.Edit{AppendIfMissing: []string{"quiet"}}))
	list := deployments(t, s)
	require.Equal(t, kargs.Args{"b=2", "quiet"}, list[0].Kargs)
	require.Equal(t, kargs.Args{"quiet"}, list[1].Kargs)
	requireAgreement(t, s)

	before := entries(t, s.Path())
	require.NoError(t, s.EditKargs(t.Context(), kargs.Edit{AppendIfMissing: []string{"quiet"}}))
	require.Equal(t, before, entries(t, s.Path()), "there is nothing to do")
	require.Error(t, s.EditKargs(t.Context(), kargs.Edit{Delete: []string{"b"}}), "one of them has none")
	require.Equal(t, before, entries(t, s.Path()), "all or none")
}
