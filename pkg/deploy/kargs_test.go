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

// An image's own arguments come, change and go with it; the user's stay.
func TestArgumentsOfTheImage(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	const dir = kargs.ImageDir + "/"
	one := commit(t, s, "1", tree{dir + "10.toml": "kargs = [\"quiet\", \"a=1\"]\n"})
	two := commit(t, s, "2", tree{dir + "10.toml": "kargs = [\"quiet\", \"a=2\"]\n"})
	d := mustDeploy(t, s, one, deploy.DeployOptions{EditKargs: kargs.Edit{Append: []string{"mine"}}})
	require.Equal(t, "quiet a=1 mine", d.Kargs.String())
	owned, err := d.ExplainKargs()
	require.NoError(t, err)
	require.Equal(t, []kargs.Owned{{Arg: "quiet", File: dir + "10.toml"}, {Arg: "a=1", File: dir + "10.toml"}, {Arg: "mine"}}, owned)
	d = mustDeploy(t, s, two, deploy.DeployOptions{})
	require.Equal(t, "quiet mine a=2", d.Kargs.String())
	require.NoError(t, s.SetKargs(t.Context(), *d, kargs.Parse("mine a=2")))
	d = mustDeploy(t, s, two, deploy.DeployOptions{})
	require.Equal(t, "mine a=2", d.Kargs.String(), "what the user took away stays away")
	d = mustDeploy(t, s, one, deploy.DeployOptions{Kargs: kargs.Args{"root=x"}})
	require.Equal(t, "root=x", d.Kargs.String())
	requireAgreement(t, s)

	_, err = s.Deploy(t.Context(), commit(t, s, "3", tree{dir + "10.toml": "kargs = quiet"}), nil, deploy.DeployOptions{})
	var unfit *deploy.UndeployableError
	require.ErrorAs(t, err, &unfit)
	require.ErrorContains(t, err, dir+"10.toml: want an array")
}
