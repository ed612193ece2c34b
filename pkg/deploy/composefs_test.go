package deploy_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

func TestDeployWritesTheComposefsImageThatTheInitramfsMounts(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	for value, want := range map[string]struct{ image, digests bool }{
		"no": {}, "maybe": {image: true}, "yes": {image: true}, "verity": {image: true, digests: true},
	} {
		c := commit(t, s, value, tree{"usr/lib/ostree/prepare-root.conf": "[composefs]\nenabled=" + value + "\n"})
		d := mustDeploy(t, s, c, deploy.DeployOptions{})
		image := d.Path + "/.ostree.cfs"
		if !want.image {
			require.NoFileExists(t, image)
			continue
		}
		file, err := os.Open(image)
		require.NoError(t, err)
		got, err := composefs.FileDigest(file)
		require.NoError(t, errors.Join(err, file.Close()))
		commit, err := s.Repo().LoadCommit(t.Context(), c)
		require.NoError(t, err)
		digest, err := s.Repo().Composefs(t.Context(), commit.Tree, io.Discard, ostree.ComposefsOptions{NoVerity: !want.digests})
		require.NoError(t, err)
		require.Equal(t, digest, got, value)
	}
	_, err := s.Deploy(t.Context(), commit(t, s, "odd", tree{"usr/lib/ostree/prepare-root.conf": "[composefs]\nenabled=odd\n"}), nil, deploy.DeployOptions{})
	var undeployable *deploy.UndeployableError
	require.ErrorAs(t, err, &undeployable)
}

func TestDeployWritesTheComposefsImageWhenAsked(t *testing.T) {
	t.Parallel()
	opts := options(t)
	opts.Composefs = true
	s := newSysrootWith(t, opts)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.FileExists(t, d.Path+"/.ostree.cfs")
}

// The initramfs also obeys what the image has in /etc, and a kernel argument above all: without an image the machine
// would not boot.
func TestDeployWritesTheComposefsImageThatAnArgumentAsksFor(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	plain := commit(t, s, "1", nil)
	for value, want := range map[string]bool{"": false, "no": false, "0": false, "1": true, "maybe": true, "verity": true} {
		d := mustDeploy(t, s, plain, deploy.DeployOptions{Kargs: kargs.Args{"ostree.prepare-root.composefs=" + value}})
		_, err := os.Stat(d.Path + "/.ostree.cfs")
		require.Equal(t, want, err == nil, value)
	}
	d := mustDeploy(t, s, commit(t, s, "2", tree{"usr/etc/ostree/prepare-root.conf": "[composefs]\nenabled=yes\n"}), deploy.DeployOptions{NoMerge: true})
	require.FileExists(t, d.Path+"/.ostree.cfs")
}
