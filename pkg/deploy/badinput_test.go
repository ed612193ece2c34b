package deploy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
)

// A badInput is something that a system with two deployments meets when a third is deployed.
type badInput struct {
	// third is what is deployed, as changes to what is deployed already.
	third tree
	// do makes the input bad; mend is the way out that the error names.
	do, mend func(t *testing.T, s *deploy.Sysroot, first deploy.Deployment)
	// kind is the type of the error, as a pointer for errors.As, and says is in its text.
	kind any
	says string
	// remains tells that even what the menu of the boot loader has is away until it is mended, by the hand of another.
	remains bool
	// lost tells that one of the entries leads nowhere until then.
	lost bool
}

func badInputs() map[string]badInput {
	const kernel = "usr/lib/modules/6.1.0/vmlinuz"
	return map[string]badInput{
		"missing kernel": {
			third: tree{kernel: "-", "usr/lib/modules/6.1.0/initramfs.img": "-"},
			kind:  new(*deploy.UndeployableError), says: "it has no kernel: /usr/lib/modules/VERSION/vmlinuz is missing",
		},
		"two kernels": {
			third: tree{"usr/lib/modules/6.2.0/vmlinuz": "k"},
			kind:  new(*deploy.UndeployableError), says: "it has 2 kernels (6.1.0, 6.2.0)",
		},
		"a changed file of /etc became a directory": {
			third: tree{"usr/etc/d/b.conf": "-", "usr/etc/d/b.conf/x": "x"},
			do:    edit("/etc/d/b.conf"),
			mend:  remove("/etc/d/b.conf"),
			kind:  new(*etcmerge.ConflictError), says: "/etc/d/b.conf cannot be carried over: the new default is a directory; move it away",
		},
		"a directory of /etc with a changed file became a file": {
			third: tree{"usr/etc/d/b.conf": "-", "usr/etc/d": "a file"},
			do:    edit("/etc/d/b.conf"),
			mend:  remove("/etc/d"),
			kind:  new(*etcmerge.ConflictError), says: "/etc/d cannot be carried over: it is a directory, but the new default is none",
		},
		"a damaged origin": {
			do: func(t *testing.T, _ *deploy.Sysroot, d deploy.Deployment) {
				require.NoError(t, os.WriteFile(d.Path+".origin", []byte("\x00rubbish"), 0o644))
			},
			mend: func(t *testing.T, _ *deploy.Sysroot, d deploy.Deployment) {
				require.NoError(t, os.WriteFile(d.Path+".origin", []byte("[origin]\nrefspec=branch\n"), 0o644))
			},
			kind: new(*deploy.CorruptError), says: ".origin is damaged: line 1",
		},
		"a deployment that somebody has deleted": {
			do: func(t *testing.T, s *deploy.Sysroot, _ deploy.Deployment) {
				require.NoError(t, fsx.RemoveAll(deployments(t, s)[1].Path))
			},
			mend: func(t *testing.T, s *deploy.Sysroot, _ deploy.Deployment) {
				require.NoError(t, os.Remove(s.Path()+"/boot/loader/entries/"+entryName(t, 1, "os")))
			},
			kind: new(*deploy.EntryError), says: "it is for a deployment that is not here", lost: true,
		},
		"a directory of boot entries of another tool": {
			do: func(t *testing.T, s *deploy.Sysroot, _ deploy.Deployment) {
				loader := s.Path() + "/boot/loader"
				require.NoError(t, os.Rename(loader, loader+".mine"))
				require.NoError(t, os.MkdirAll(loader+"/entries", 0o755))
				require.NoError(t, os.WriteFile(loader+"/entries/debian.conf", []byte("title Debian\noptions quiet\n"), 0o644))
			},
			mend: func(t *testing.T, s *deploy.Sysroot, _ deploy.Deployment) {
				loader := s.Path() + "/boot/loader"
				require.NoError(t, os.Rename(loader, loader+".theirs"))
				require.NoError(t, os.Rename(loader+".mine", loader))
			},
			kind: new(*deploy.ForeignLoaderError), says: "/boot/loader is a directory, made by another tool", remains: true,
		},
	}
}

func edit(name string) func(*testing.T, *deploy.Sysroot, deploy.Deployment) {
	return func(t *testing.T, _ *deploy.Sysroot, d deploy.Deployment) {
		require.NoError(t, os.WriteFile(d.Path+name, []byte("mine"), 0o644))
	}
}

func remove(name string) func(*testing.T, *deploy.Sysroot, deploy.Deployment) {
	return func(t *testing.T, _ *deploy.Sysroot, d deploy.Deployment) {
		require.NoError(t, os.RemoveAll(d.Path+name))
	}
}

// Whatever a deployment meets, its error has a type and names the way out, not a file is other than before, and
// what booted before boots. Once it is mended, a change succeeds. What concerns full and read-only file systems
// and entries of others is in the tests of the checks before.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, c := range badInputs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSysroot(t)
			mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
			d := mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
			third, good := commit(t, s, "3", c.third), commit(t, s, "4", nil)
			clean(t, s)
			booted := entries(t, s.Path())
			if c.do != nil {
				c.do(t, s, *d)
			}
			before := layout(t, s.Path())
			_, err := s.Deploy(t.Context(), third, nil, deploy.DeployOptions{})
			require.ErrorAs(t, err, c.kind)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, before, layout(t, s.Path()))
			if !c.lost {
				requireBoots(t, s)
			}
			if !c.remains {
				require.Equal(t, booted, entries(t, s.Path()))
			}
			if c.mend != nil {
				c.mend(t, s, *d)
			}
			mustDeploy(t, s, good, deploy.DeployOptions{})
			require.Equal(t, []string{"4", "2"}, versions(deployments(t, s)))
			requireBoots(t, s)
		})
	}
}
