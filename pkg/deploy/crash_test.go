package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// power is what a crash panics with.
type power struct{ step string }

// crashAt runs a change and stops dead when the nth step has been taken. It returns the name of
// that step, "" if there were fewer.
func crashAt(s *deploy.Sysroot, n int, change func()) (step string) {
	defer func() {
		if cut, ok := recover().(power); ok {
			step = cut.step
		}
		s.SetAfter(func(string) {})
	}()
	s.SetAfter(func(step string) {
		if n--; n < 0 {
			panic(power{step})
		}
	})
	change()
	return ""
}

// Whatever step of a change is the last one before the power fails: the system boots the old list or
// the new one, every deployment in it is complete, the tool agrees, and the next deployment and the
// next cleanup work and leave no trace.
func TestCrash(t *testing.T) {
	t.Parallel()
	template := crashTemplate(t)
	for name, c := range map[string]struct {
		// prepare makes a copy of the template ready, and booted makes version 2 the running one.
		prepare func(t *testing.T, s *deploy.Sysroot)
		booted  bool
		change  func(t *testing.T, s *deploy.Sysroot)
		new     []string // versions afterwards
		// between are the versions in between, of a change in two steps.
		between []string
		steps   []string
		// loader are what the boot loader does on the way, in whatever order.
		loader []string
	}{
		"deploy with another kernel": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "3"), deploy.DeployOptions{})
			},
			new: []string{"3", "2"},
			steps: []string{
				"clean-versions", "clean-deployment", "clean-boot", "clean-refs",
				"checkout", "composefs", "etc", "merge", "var", "stamps", "backing", "origin", "seal",
				"protect", "entries", "farm", "farm-link", "bootloader", "loader-link", "sync", "swap", "flush", "touch", "refs",
			},
		},
		"deploy the same again": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, deployments(t, s)[0].Checksum, deploy.DeployOptions{})
			},
			new: []string{"2", "2"},
		},
		"switch the link farm only": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "same-version"), deploy.DeployOptions{})
			},
			new: []string{"2", "2"},
		},
		"roll back": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				_, err := s.Rollback(t.Context(), "os")
				require.NoError(t, err)
			},
			new: []string{"1", "2"},
		},
		"undeploy": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.Undeploy(t.Context(), deployments(t, s)[1]))
			},
			new: []string{"2"},
		},
		"stage": {
			booted: true,
			change: func(t *testing.T, s *deploy.Sysroot) { mustStage(t, s, "3") },
			new:    []string{"2", "1"}, // What was staged is lost with /run.
			steps: []string{
				"clean-versions", "clean-deployment", "clean-boot", "clean-refs",
				"checkout", "composefs", "etc", "backing", "origin", "stage-refs", "staged", "replaced",
			},
		},
		"stage something else": {
			booted:  true,
			prepare: func(t *testing.T, s *deploy.Sysroot) { mustStage(t, s, "3") },
			change:  func(t *testing.T, s *deploy.Sysroot) { mustStage(t, s, "same-version") },
			new:     []string{"2", "1"},
		},
		"drop what is staged": {
			booted:  true,
			prepare: func(t *testing.T, s *deploy.Sysroot) { mustStage(t, s, "3") },
			change: func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.Undeploy(t.Context(), deployments(t, s)[0]))
			},
			new: []string{"2", "1"},
		},
		"finalize": {
			booted:  true,
			prepare: func(t *testing.T, s *deploy.Sysroot) { mustStage(t, s, "3") },
			change: func(t *testing.T, s *deploy.Sysroot) {
				_, err := s.Finalize(t.Context())
				require.NoError(t, err)
			},
			new: []string{"3", "2"},
			steps: []string{
				"unstaged", "merge", "var", "stamps", "seal",
				"protect", "entries", "farm", "farm-link", "bootloader", "loader-link", "sync", "swap", "flush", "touch", "refs",
				"clean-versions", "clean-deployment", "clean-boot", "clean-refs",
			},
		},
		"deploy with GRUB": {
			prepare: func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, os.MkdirAll(s.Path()+"/boot/grub", 0o755))
				require.NoError(t, os.WriteFile(s.Path()+"/boot/grub/grub.cfg", []byte("# former menu\n"), 0o644))
				require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
				require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
			},
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "3"), deploy.DeployOptions{})
			},
			new: []string{"3", "2"},
		},
		"deploy with systemd-boot": {
			prepare: func(t *testing.T, s *deploy.Sysroot) {
				useSystemdBoot(t, s)
				require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
				require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
			},
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "3"), deploy.DeployOptions{})
			},
			new:    []string{"3", "2"},
			loader: []string{"finish-retire", "finish-show", "write-copy", "write-entry"},
		},
		"undeploy with systemd-boot": {
			prepare: func(t *testing.T, s *deploy.Sysroot) {
				useSystemdBoot(t, s)
				mustDeploy(t, s, resolve(t, s, "3"), deploy.DeployOptions{})
			},
			change: func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.Undeploy(t.Context(), deployments(t, s)[0]))
			},
			new:    []string{"2"},
			loader: []string{"finish-drop", "finish-retire", "finish-show", "write-copy", "write-entry"},
		},
		"take over from another GRUB menu": {
			prepare: func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, os.MkdirAll(s.Path()+"/boot/grub", 0o755))
				require.NoError(t, os.WriteFile(s.Path()+"/boot/grub/grub.cfg", []byte("# former menu\n"), 0o644))
				require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", "2"))
			},
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "3"), deploy.DeployOptions{})
			},
			new:    []string{"3", "2"},
			loader: []string{"finish-keep", "finish-lead", "write-counter"},
		},
		"give up": {
			booted: true,
			change: func(t *testing.T, s *deploy.Sysroot) {
				a, err := s.AssessBoot(t.Context(), checks(ill))
				require.NoError(t, err)
				require.Equal(t, "2", a.Failed.Version)
			},
			new: []string{"1", "2"},
		},
		"deploy into a small /boot": {
			prepare: func(t *testing.T, s *deploy.Sysroot) {
				separateBoot(t, s, "size=6m")
				mustDeploy(t, s, commit(t, s, "4", kernelOf("4", 2048)), deploy.DeployOptions{})
				mustDeploy(t, s, commit(t, s, "5", kernelOf("5", 2048)), deploy.DeployOptions{})
				commit(t, s, "6", kernelOf("6", 2048))
			},
			change: func(t *testing.T, s *deploy.Sysroot) {
				mustDeploy(t, s, resolve(t, s, "6"), deploy.DeployOptions{})
			},
			new: []string{"6", "5"}, between: []string{"5"},
		},
		"clean up": {
			change: func(t *testing.T, s *deploy.Sysroot) {
				_, err := s.Cleanup(t.Context())
				require.NoError(t, err)
			},
			new: []string{"2", "1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []string
			stride := 1
			if testing.Short() {
				stride = 13
			}
			for n := 0; ; n += stride {
				s := copySysroot(t, template)
				running := s
				if c.booted {
					running = machineOf(t, s, deployments(t, s)[0]).Sysroot
				}
				if c.prepare != nil {
					c.prepare(t, running)
				}
				old := versions(deployments(t, s))
				step := crashAt(running, n, func() { c.change(t, running) })
				// The machine is off: nothing runs and /run is empty.
				requireBoots(t, s)
				got := versions(deployments(t, s))
				switch {
				case c.between != nil:
					require.Contains(t, [][]string{old, c.between, c.new}, got, "after %s", step)
				default:
					requireOldOrNew(t, step, old, c.new, got)
				}
				checkAfterCrash(t, s)
				if step == "" {
					break
				}
				seen = append(seen, step)
			}
			require.NotEmpty(t, seen)
			if c.steps != nil && stride == 1 {
				require.Equal(t, c.steps, slices.Compact(seen))
			}
			if c.loader != nil && stride == 1 {
				require.Equal(t, c.loader, loaderSteps(seen))
			}
		})
	}
}

// loaderSteps are those of the boot loader among the steps of a change, sorted.
func loaderSteps(seen []string) []string {
	var steps []string
	for _, step := range seen {
		if inner, ok := strings.CutPrefix(step, "bootloader-"); ok {
			steps = append(steps, inner)
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// useSystemdBoot makes systemd-boot the boot loader of a sysroot.
func useSystemdBoot(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	require.NoError(t, os.MkdirAll(s.Path()+"/efi/EFI/systemd", 0o755))
	require.NoError(t, os.WriteFile(s.Path()+"/efi/EFI/systemd/systemd-bootx64.efi", nil, 0o644))
}

// crashTemplate makes a sysroot with two deployments, something to clean up, and more commits.
func crashTemplate(t *testing.T) *deploy.Sysroot {
	t.Helper()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "0", nil), deploy.DeployOptions{Kargs: kargs.Args{"root=x"}})
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	mustDeploy(t, s, commit(t, s, "2", tree{"usr/etc/new.conf": "x"}), deploy.DeployOptions{})
	commit(t, s, "3", tree{"usr/lib/modules/6.1.0/vmlinuz": "new kernel"})
	commit(t, s, "9", nil)
	commitTree(t, s.Repo().Path(), "branch/same-version", bootable(tree{"usr/other": "x"}), "--add-metadata-string=version=2")
	return s
}

// copySysroot copies a sysroot with its hard links.
func copySysroot(t *testing.T, s *deploy.Sysroot) *deploy.Sysroot {
	t.Helper()
	testenv.Need(t, testenv.Tool("cp"))
	dir := filepath.Join(tempDir(t), "sysroot")
	out, err := exec.CommandContext(t.Context(), "cp", "-a", s.Path(), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c, err := deploy.Open(dir, options(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func resolve(t *testing.T, s *deploy.Sysroot, branch string) ostree.Checksum {
	t.Helper()
	c, err := s.Repo().Resolve(t.Context(), "branch/"+branch)
	require.NoError(t, err)
	return c
}

// requireOldOrNew makes sure that the commit point, the step swap, decides which list there is.
func requireOldOrNew(t *testing.T, step string, old, want, got []string) {
	t.Helper()
	if slices.Contains([]string{"swap", "flush", "touch", "refs", ""}, step) {
		require.Equal(t, want, got, "after %s", step)
		return
	}
	// A finalization cleans up afterwards, and a deployment before, by the same steps, and a boot loader finishes then
	// as well as after the switch.
	either := strings.HasPrefix(step, "clean-") || strings.HasPrefix(step, "bootloader-finish-")
	if !either || !slices.Equal(want, got) {
		require.Equal(t, old, got, "after %s", step)
	}
}

func mustStage(t *testing.T, s *deploy.Sysroot, branch string) {
	t.Helper()
	_, err := s.Stage(t.Context(), resolve(t, s, branch), origin.New("branch"), deploy.StageOptions{})
	require.NoError(t, err)
}

// requireBoots makes sure that whatever the boot loader offers is a kernel that is there and leads to
// a deployment that is complete.
func requireBoots(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	menus := map[string][]string{s.Path(): {s.Path() + "/boot/grub/grub.cfg"}}
	var err error
	menus[s.Path()+"/efi"], err = filepath.Glob(s.Path() + "/efi/loader/entries/*.conf")
	require.NoError(t, err)
	menus[s.Path()+"/boot"], err = filepath.Glob(s.Path() + "/boot/loader/entries/*.conf")
	require.NoError(t, err)
	for root, files := range menus {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if os.IsNotExist(err) {
				continue
			}
			require.NoError(t, err)
			for line := range strings.SplitSeq(string(text), "\n") {
				for word := range strings.FieldsSeq(line) {
					if target, ok := strings.CutPrefix(word, "ostree="); ok {
						require.FileExists(t, s.Path()+target+"/usr/lib/os-release", file)
						require.FileExists(t, s.Path()+target+"/etc/a.conf", file)
					}
				}
				for _, key := range []string{"linux ", "initrd "} {
					if path, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
						require.FileExists(t, filepath.Join(root, strings.Fields(path)[0]), file)
					}
				}
			}
		}
	}
}

func checkAfterCrash(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	requireAgreement(t, s)
	got := versions(deployments(t, s))
	d := mustDeploy(t, s, resolve(t, s, "9"), deploy.DeployOptions{})
	require.Equal(t, "root=x", d.Kargs.String())
	_, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	requireAgreement(t, s)
	requireBoots(t, s)
	require.Equal(t, []string{"9", got[0]}, versions(deployments(t, s)))
	requireTidy(t, s)
}

// requireTidy makes sure that nothing is left of what is not in the list.
func requireTidy(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	list := deployments(t, s)
	var want []string
	for _, d := range list {
		want = append(want, d.Name(), d.Name()+".origin", "backing "+d.Name())
	}
	var have []string
	for _, dir := range []string{"deploy", "backing"} {
		files, err := os.ReadDir(filepath.Join(s.Path(), "ostree/deploy/os", dir))
		require.NoError(t, err)
		for _, f := range files {
			if dir == "backing" {
				have = append(have, "backing "+f.Name())
			} else {
				have = append(have, f.Name())
			}
		}
	}
	require.ElementsMatch(t, want, have)
	for _, pattern := range []string{"boot/loader.*", "ostree/boot.?", "ostree/boot.?.?"} {
		found, err := filepath.Glob(filepath.Join(s.Path(), pattern))
		require.NoError(t, err)
		require.Len(t, found, 1, pattern)
	}
	deployed := 0
	for name := range refs(t, s.Repo().Path()) {
		if matched, _ := filepath.Match("ostree/?/?/?", name); matched {
			deployed++
		}
	}
	require.Equal(t, len(list), deployed)
}

// An error before the commit point leaves everything as it was, at once.
func TestFailureLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	first := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, os.WriteFile(first.Path+"/etc/a.conf", []byte("mine"), 0o644))
	c := commit(t, s, "2", tree{"usr/etc/a.conf": "-", "usr/etc/a.conf/x": "now a directory"})
	before := layout(t, s.Path())
	_, err := s.Deploy(t.Context(), c, origin.New("x"), deploy.DeployOptions{})
	require.ErrorContains(t, err, "local configuration /etc/a.conf cannot be carried over")
	require.Equal(t, before, layout(t, s.Path()))

	// The boot loader comes late, after kernels and entries are written.
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "bootloader", "zipl"))
	_, err = s.Deploy(t.Context(), commit(t, s, "3", nil), origin.New("x"), deploy.DeployOptions{})
	require.ErrorContains(t, err, "boot loader zipl")
	require.Equal(t, []string{"1"}, versions(deployments(t, s)))
	files, err := os.ReadDir(filepath.Join(s.Path(), "ostree/deploy/os/deploy"))
	require.NoError(t, err)
	require.Len(t, files, 2, fmt.Sprint(files))
}

// A full /boot is found out before anything changes, and what was written there is no obstacle
// once there is room.
func TestFullBoot(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	small := filepath.Join(tempDir(t), "small")
	require.NoError(t, os.Mkdir(small, 0o755))
	require.NoError(t, unix.Mount("tmpfs", small, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(small, unix.MNT_DETACH)) })
	out, err := exec.CommandContext(t.Context(), "cp", "-a", s.Path()+"/boot/.", small).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Rename(s.Path()+"/boot", s.Path()+"/boot.old"))
	require.NoError(t, os.Symlink(small, s.Path()+"/boot"))

	c := commit(t, s, "2", tree{"usr/lib/modules/6.1.0/vmlinuz": strings.Repeat("big", 1<<20)})
	before := layout(t, s.Path())
	_, err = s.Deploy(t.Context(), c, origin.New("x"), deploy.DeployOptions{})
	require.ErrorIs(t, err, unix.ENOSPC)
	var short *deploy.SpaceError
	require.ErrorAs(t, err, &short)
	require.Equal(t, s.Path()+"/boot", short.Path)
	require.Greater(t, short.Need, int64(3<<20))
	require.Equal(t, before, layout(t, s.Path()))
	require.Equal(t, []string{"1"}, versions(deployments(t, s)))
	requireAgreement(t, s)

	require.NoError(t, unix.Mount("tmpfs", small, "tmpfs", unix.MS_REMOUNT, "size=9m"))
	mustDeploy(t, s, c, deploy.DeployOptions{})
	_, err = s.Cleanup(t.Context())
	require.NoError(t, err)
	requireAgreement(t, s)
}
