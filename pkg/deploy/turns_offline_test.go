package deploy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

// A turn is one change that both the tool and this package can make.
type turn struct {
	what   string
	mine   func(t *testing.T, s *deploy.Sysroot)
	theirs func(t *testing.T, root string)
}

// The same random changes are made to three sysroots: to one by the tool, to one by this package, and to one by both
// in turns. After every change all three are the same to the byte, boot entries included, but for
// what alike leaves out, and both read the same.
func TestTakingTurnsWithOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	seeds := turns(t)
	first := turnTemplate(t)
	knowsSetDefault := strings.Contains(ostreeTool(t, "admin", "--help"), "set-default")
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			mine, theirs, mixed := copySysroot(t, first), copySysroot(t, first), copySysroot(t, first)
			for range 10 {
				turn := randomTurn(r, deployments(t, mixed), knowsSetDefault)
				byTool := r.IntN(2) == 0
				t.Logf("%s, by the tool: %v", turn.what, byTool)
				turn.mine(t, mine)
				turn.theirs(t, theirs.Path())
				if byTool {
					turn.theirs(t, mixed.Path())
				} else {
					turn.mine(t, mixed)
				}
				requireAgreement(t, mixed)
				requireBoots(t, mixed)
				want := alike(t, theirs)
				require.Empty(t, difference(want, alike(t, mine)), "this package alone and the tool alone")
				require.Empty(t, difference(want, alike(t, mixed)), "in turns and the tool alone")
			}
			ostreeTool(t, "--repo="+mixed.Repo().Path(), "fsck", "-q")
		})
	}
}

// turnTemplate makes a sysroot with two stateroots and commits that differ in what boot entries are about.
func turnTemplate(t *testing.T) *deploy.Sysroot {
	t.Helper()
	s := newSysroot(t)
	require.NoError(t, s.InitStateroot(t.Context(), "other"))
	for n, changes := range []tree{nil, nil, {"usr/lib/modules/6.1.0/vmlinuz": "k3"}, {"usr/lib/modules/6.1.0/initramfs.img": "-"}} {
		commit(t, s, fmt.Sprint(n+1), changes)
	}
	return s
}

func randomTurn(r *rand.Rand, list []deploy.Deployment, knowsSetDefault bool) turn {
	what := r.IntN(12)
	if what < 4 || len(list) < 2 {
		return deployTurn(r)
	}
	at := r.IntN(len(list))
	n := strconv.Itoa(at)
	arg := []string{"quiet", "a=1", "console=ttyS0,115200", "b"}[r.IntN(4)]
	here := func(t *testing.T, s *deploy.Sysroot) deploy.Deployment { return deployments(t, s)[at] }
	switch {
	case what < 6:
		return turn{
			"undeploy " + n,
			func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.Undeploy(t.Context(), here(t, s)))
				clean(t, s)
			},
			func(t *testing.T, root string) { adminTool(t, root, "undeploy", n) },
		}
	case what == 6:
		on, args := !list[at].Pinned, []string{"pin", n}
		if !on {
			args = []string{"pin", "--unpin", n}
		}
		return turn{
			fmt.Sprint("pin ", n, " ", on),
			func(t *testing.T, s *deploy.Sysroot) {
				_, err := s.Pin(t.Context(), here(t, s), on)
				require.NoError(t, err)
			},
			func(t *testing.T, root string) { adminTool(t, root, args...) },
		}
	case what < 9:
		return turn{
			"kargs edit-in-place " + arg,
			func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.EditKargs(t.Context(), kargs.Edit{AppendIfMissing: []string{arg}}))
				clean(t, s)
			},
			func(t *testing.T, root string) {
				adminTool(t, root, "kargs", "edit-in-place", "--append-if-missing="+arg)
			},
		}
	case what == 9:
		return turn{
			"instutil set-kargs " + arg,
			func(t *testing.T, s *deploy.Sysroot) {
				require.NoError(t, s.SetKargs(t.Context(), deployments(t, s)[0], kargs.Args{"root=y", arg}))
				clean(t, s)
			},
			func(t *testing.T, root string) { adminTool(t, root, "instutil", "set-kargs", "root=y", arg) },
		}
	case what == 10:
		return turn{"cleanup", clean, func(t *testing.T, root string) { adminTool(t, root, "cleanup") }}
	}
	setDefault := func(t *testing.T, s *deploy.Sysroot) {
		require.NoError(t, s.SetDefault(t.Context(), here(t, s)))
		clean(t, s)
	}
	return turn{"set-default " + n, setDefault, func(t *testing.T, root string) {
		if knowsSetDefault {
			adminTool(t, root, "set-default", n)
			return
		}
		s, err := deploy.Open(root, options(t))
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		setDefault(t, s)
	}}
}

func deployTurn(r *rand.Rand) turn {
	refspec := fmt.Sprint("branch/", r.IntN(4)+1)
	opts := deploy.DeployOptions{Stateroot: []string{"os", "os", "other"}[r.IntN(3)]}
	args := []string{"deploy", "--os=" + opts.Stateroot}
	switch r.IntN(6) {
	case 0:
		opts.EditKargs.Append, args = []string{"t"}, append(args, "--karg-append=t")
	case 1:
		opts.Retain.All, args = true, append(args, "--retain")
	case 2:
		opts.NotDefault, args = true, append(args, "--not-as-default")
	case 3:
		opts.Retain.Rollback, args = true, append(args, "--retain-rollback")
	}
	args = append(args, refspec)
	return turn{
		strings.Join(args, " "),
		func(t *testing.T, s *deploy.Sysroot) {
			c, err := s.Repo().Resolve(t.Context(), refspec)
			require.NoError(t, err)
			_, err = s.Deploy(t.Context(), c, origin.New(refspec), opts)
			require.NoError(t, err)
			clean(t, s)
		},
		func(t *testing.T, root string) { adminTool(t, root, args...) },
	}
}

// clean does what the tool does after every change of the list.
func clean(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	_, err := s.Cleanup(t.Context())
	require.NoError(t, err)
}

func adminTool(t *testing.T, root string, args ...string) {
	t.Helper()
	ostreeTool(t, append([]string{"admin", "--sysroot=" + root}, args...)...)
}

// quirks are where the two differ on purpose: to edit the arguments of several deployments the tool switches the
// version several times and this package once; the tool confuses the init= of a system without an initramfs with that of
// one that has it; and it leaves an empty group in an origin that is not pinned any more.
var quirks = map[string]string{
	`(boot|loader|heads/ostree)([./])[01]([./][01]\b)?`: "$1${2}V",
	` init=/ostree/boot\S+/ostree-prepare-root`:         "",
	`\\n\\n\[libostree-transient\]\\n"$`:                `\n"`,
}

var kernelPattern = regexp.MustCompile(`boot/(ostree/\w+-[0-9a-f]{64})`)

// alike is the layout of a sysroot without what the two do differently on purpose. Kernels that no entry needs are
// left out: some versions of the tool keep them as long as another stateroot has the same.
func alike(t *testing.T, s *deploy.Sysroot) []string {
	t.Helper()
	all := strings.Join(slices.Collect(maps.Values(entries(t, s.Path()))), "\n")
	var lines []string
	for _, line := range layout(t, s.Path()) {
		if m := kernelPattern.FindStringSubmatch(line); m != nil && !strings.Contains(all, m[1]+"/") {
			continue
		}
		for pattern, replacement := range quirks {
			line = regexp.MustCompile(pattern).ReplaceAllString(line, replacement)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// difference are the lines that only one of two has, marked with which.
func difference(a, b []string) []string {
	var out []string
	for _, line := range a {
		if _, found := slices.BinarySearch(b, line); !found {
			out = append(out, "- "+line)
		}
	}
	for _, line := range b {
		if _, found := slices.BinarySearch(a, line); !found {
			out = append(out, "+ "+line)
		}
	}
	return out
}
