package assemble_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// TestRandomPackagesLikeDpkg installs sets of random small packages, some of two architectures, which
// divert, replace, override and trigger each other, natively and by dpkg: the trees must be equal, or both must fail.
//
// APT_OSTREE_RANDOM_PACKAGES is the number of sets, 15 by default; the full run is 2000.
// APT_OSTREE_RANDOM_SEED is the first seed, 1 by default, to repeat a failure alone.
func TestRandomPackagesLikeDpkg(t *testing.T) {
	repo, b := minimal(t)
	bench, err := assemble.NewBench(t.Context(), repo, b.commit, filepath.Join(t.TempDir(), "base"))
	require.NoError(t, err)
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			return otherwise
		}
		return n
	}
	first, native, failed := number("APT_OSTREE_RANDOM_SEED", 1), 0, 0
	count := number("APT_OSTREE_RANDOM_PACKAGES", 15)
	for seed := first; seed < first+count; seed++ {
		debs := randomDebs(rand.New(rand.NewPCG(uint64(seed), 0)))
		s := set{debs: map[*apt.Package]string{}}
		dir := t.TempDir()
		for _, d := range debs {
			s.add(t, d.Write(t, dir))
		}
		in := assemble.Input{Batches: s.batches(t, b.installed...), Debs: s.debs, Timestamp: epoch, Runner: jail(t), Unpacker: assemble.UnpackDpkg}
		want, _, wantErr := bench.Install(t.Context(), in)
		in.Unpacker = assemble.UnpackNative
		got, placed, err := bench.Install(t.Context(), in)
		if wantErr != nil || err != nil {
			failed++
			require.Equal(t, wantErr != nil, err != nil, "seed %d: dpkg: %v, native: %v", seed, wantErr, err)
			continue
		}
		native += placed
		diff, err := repo.Diff(t.Context(), want, got)
		require.NoError(t, err)
		require.Empty(t, diff, "seed %d: %s", seed, describe(debs))
		require.Equal(t, want, got, "seed %d", seed)
	}
	t.Logf("%d sets: %d packages placed natively, %d sets failed either way", count, native, failed)
	require.Positive(t, native)
	require.Less(t, failed, count/2+1, "the generator makes too few sets that can be installed")
	intact(t, repo)
}

// describe prints a set for the one who has to find out what is wrong.
func describe(debs []apttest.Deb) string {
	var b strings.Builder
	for _, d := range debs {
		fmt.Fprintf(&b, "\n%s:%s[%s]:", d.Package, d.Architecture, d.MultiArch)
		for _, f := range d.Files {
			fmt.Fprintf(&b, " %s[%s%v]", f.Path, f.Link, f.Dir)
		}
		fmt.Fprintf(&b, " replaces %q triggers %q scripts %q", d.Replaces, d.Control["triggers"], d.Scripts)
	}
	return b.String()
}

// randomDebs makes up to six packages whose paths are few, so that they meet. Some are aliases of one
// file by way of the merged /usr, some are directories in one package and links in another.
func randomDebs(r *rand.Rand) []apttest.Deb {
	debs := make([]apttest.Deb, 2+r.IntN(5))
	for i := range debs {
		debs[i] = randomDeb(r, i, len(debs))
	}
	return multiArch(r, debs)
}

// multiArch makes some packages Multi-Arch, and gives some of those a sibling of another architecture
// that has the same files.
func multiArch(r *rand.Rand, debs []apttest.Deb) []apttest.Deb {
	for i := range debs {
		switch r.IntN(6) {
		case 0:
			debs[i].MultiArch = "foreign"
		case 1:
			debs[i].MultiArch, debs[i].Architecture = "same", "amd64"
			if len(debs[i].Scripts) > 0 || r.IntN(2) == 0 {
				continue
			}
			sibling := debs[i]
			sibling.Architecture = "i386"
			if r.IntN(4) == 0 { // not quite
				sibling.Files = append(slices.Clone(sibling.Files), apttest.File{Path: "usr/lib/only-i386/" + sibling.Package, Content: "x"})
			}
			debs = append(debs, sibling)
		}
	}
	return debs
}

func randomDeb(r *rand.Rand, i, n int) apttest.Deb {
	d := apttest.Deb{Package: fmt.Sprintf("p%d", i), Scripts: map[string]string{}, Control: map[string]string{}, Compression: apttest.None}
	chance := func(percent int) bool { return r.IntN(100) < percent }
	taken := map[string]bool{}
	for range 1 + r.IntN(5) {
		f := randomFile(r, i)
		for p := f.Path; p != "."; p = path.Dir(p) {
			if taken[p] {
				f.Path = ""
				break
			}
		}
		if f.Path != "" && !slices.ContainsFunc(d.Files, func(g apttest.File) bool { return strings.HasPrefix(g.Path, f.Path+"/") }) {
			taken[f.Path] = true
			d.Files = append(d.Files, f)
		}
	}
	if chance(85) { // else what two packages have is an error
		names := make([]string, n)
		for k := range names {
			names[k] = fmt.Sprintf("p%d", k)
		}
		d.Replaces = strings.Join(names, ", ")
	}
	if chance(20) && i > 0 {
		d.Depends = fmt.Sprintf("p%d", r.IntN(i))
	}
	if chance(10) && i > 0 {
		d.PreDepends = fmt.Sprintf("p%d", r.IntN(i))
	}
	if chance(40) {
		kinds := []string{"interest", "interest-noawait", "activate", "activate-noawait"}
		names := []string{"/usr/share/a", "/usr/share", "/etc/r", "poke", "prod"}
		kind, name := kinds[r.IntN(len(kinds))], names[r.IntN(len(names))]
		if strings.HasPrefix(kind, "interest") || name[0] != '/' {
			d.Control["triggers"] = kind + " " + name + "\n"
		}
	}
	if chance(25) {
		p := []string{"usr/share/a/x", "usr/share/b/x", "lib/rnd/f", "etc/r/c", "opt/o", "usr/share/a/y"}[i] // two packages cannot divert one path
		d.Scripts["preinst"] = fmt.Sprintf("dpkg-divert --quiet --package %s --add --rename --divert /%s.by-%s /%s\n", d.Package, p, d.Package, p)
	}
	if chance(30) {
		d.Scripts["postinst"] = `echo "$@" >>/usr/share/log-` + d.Package + "\n"
		if chance(30) { // a preinst's would count from dpkg's next run on, which is not always ours
			d.Scripts["postinst"] += fmt.Sprintf("dpkg-statoverride --force-statoverride-add --add root mail 2750 /%s || true\n", randomPath(r))
		}
		if chance(30) {
			p := randomPath(r)
			d.Scripts["postinst"] += fmt.Sprintf("mkdir -p /%s && echo made >/%s 2>/dev/null || true\n", path.Dir(p), p)
		}
	}
	return d
}

// randomPath is one of a few paths.
func randomPath(r *rand.Rand) string {
	paths := []string{"usr/share/a/x", "usr/share/a/y", "usr/share/c", "usr/share/b/x", "usr/lib/rnd/f", "lib/rnd/f", "lib/rnd/g", "etc/r/c", "etc/r/d", "opt/o"}
	return paths[r.IntN(len(paths))]
}

// randomFile is a file, a directory or a link; below etc a conffile.
func randomFile(r *rand.Rand, i int) apttest.File {
	f := apttest.File{Path: randomPath(r)}
	if r.IntN(4) > 0 { // most paths belong to one package
		f.Path = strings.Replace(f.Path, "usr/share/", fmt.Sprintf("usr/share/a/own%d-", i), 1)
	}
	switch r.IntN(10) {
	case 0:
		f.Dir, f.Mode = true, []int64{0o755, 0o700, 0o2775}[r.IntN(3)]
	case 1:
		f.Link = []string{"x", "b", "../share/b", "/usr/share/b", "nowhere"}[r.IntN(5)]
	default:
		f.Content = fmt.Sprintf("%d of p%d\n", r.IntN(2), r.IntN(2)*i)
		f.Mode = []int64{0o644, 0o755, 0o4755}[r.IntN(3)]
		if r.IntN(8) == 0 {
			f.Group, f.GID = "mail", 8
		}
	}
	return f
}
