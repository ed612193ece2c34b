package solve_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

var update = flag.Bool("update", false, "write the results into testdata")

// scenario is a problem in the language of testdata/README.md.
type scenario struct {
	packages []*apt.Package
	request  solve.Request
	why      []string
	batches  bool
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			sc := parseScenario(t, a)
			got := sc.run(t)
			for seed := range uint64(5) {
				shuffle(&sc.request, seed)
				require.Equal(t, got, sc.run(t), "another order of the request")
			}
			want := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
			require.GreaterOrEqual(t, want, 0, "no section want")
			if *update {
				a.Files[want].Data = []byte(got)
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o600))
			}
			require.Equal(t, string(a.Files[want].Data), got)
		})
	}
}

// shuffle puts the lists of a request in another order.
func shuffle(req *solve.Request, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, list := range [][]string{req.Install, req.Remove, req.Exclude, req.Hold, req.Unlock} {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	for _, list := range [][]*apt.Package{req.Installed, req.Local} {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
}

// parseScenario reads the sections of an archive.
func parseScenario(t *testing.T, a *txtar.Archive) *scenario {
	t.Helper()
	sc := &scenario{request: solve.Request{Architecture: "amd64"}}
	for _, f := range a.Files {
		switch f.Name {
		case "packages":
			sc.packages = parsePackages(t, string(f.Data))
		case "installed":
			sc.request.Installed = parsePackages(t, string(f.Data))
			for _, p := range sc.request.Installed {
				p.Origin = nil
			}
		case "local":
			sc.request.Local = parsePackages(t, string(f.Data))
			for _, p := range sc.request.Local {
				p.Origin, p.Path = nil, "./"+p.Name+".deb"
			}
		case "pins":
			pins, err := preferences.Parse(f.Data, "pins")
			require.NoError(t, err)
			sc.request.Policy, err = preferences.NewPolicy(pins, preferences.Options{Architecture: "amd64", MachineID: "0123456789abcdef0123456789abcdef"})
			require.NoError(t, err)
		case "request":
			for line := range strings.Lines(string(f.Data)) {
				sc.parseRequest(t, strings.Fields(line))
			}
		case "want":
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	return sc
}

// parseRequest reads a line of the section request.
func (sc *scenario) parseRequest(t *testing.T, words []string) {
	t.Helper()
	r := &sc.request
	switch words[0] {
	case "install":
		r.Install = append(r.Install, words[1:]...)
	case "remove":
		r.Remove = append(r.Remove, words[1:]...)
	case "exclude":
		r.Exclude = append(r.Exclude, words[1:]...)
	case "foreign":
		r.ForeignArchitectures = words[1:]
	case "why":
		sc.why = words[1:]
	case "batches":
		sc.batches = true
	case "hold":
		r.Hold = append(r.Hold, words[1:]...)
	case "unlock":
		r.Unlock = append(r.Unlock, words[1:]...)
	case "no-new":
		r.NoNew = true
	case "no-remove":
		r.NoRemove = true
	case "upgrade":
		r.UpgradeAll = true
	case "lock":
		r.Lock = true
	case "recommends":
		r.Recommends = true
	case "essential":
		r.Essential = true
	case "remove-essential":
		r.RemoveEssential = true
	default:
		t.Fatalf("unknown request %q", words)
	}
}

// parsePackages reads "name version words…" lines, each followed by indented control fields.
func parsePackages(t *testing.T, text string) []*apt.Package {
	t.Helper()
	var packages []*apt.Package
	var header []string
	var fields strings.Builder
	finish := func() {
		if header != nil {
			packages = append(packages, parsePackage(t, header, fields.String()))
		}
		fields.Reset()
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			fields.WriteString(strings.TrimSpace(line) + "\n")
			continue
		}
		finish()
		header = strings.Fields(line)
	}
	finish()
	return packages
}

// parsePackage makes a package of its header and fields.
func parsePackage(t *testing.T, header []string, fields string) *apt.Package {
	t.Helper()
	arch := "amd64"
	origin := apt.Origin{Suite: "stable", Component: "main"}
	for _, word := range header[2:] {
		switch {
		case word == "all" || word == "i386" || word == "arm64":
			arch = word
		case word == "same" || word == "foreign" || word == "allowed":
			fields += "Multi-Arch: " + word + "\n"
		case word == "essential":
			fields += "Essential: yes\n"
		case word == "protected":
			fields += "Protected: yes\n"
		case word == "required" || word == "important" || word == "standard":
			fields += "Priority: " + word + "\n"
		case word == "@experimental":
			origin = apt.Origin{Suite: "experimental", Component: "main", NotAutomatic: true}
		case word == "@backports":
			origin = apt.Origin{Suite: "backports", Component: "main", NotAutomatic: true, ButAutomaticUpgrades: true}
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	p, err := deb822.Parse("Package: " + header[0] + "\nVersion: " + header[1] + "\nArchitecture: " + arch + "\n" + fields)
	require.NoError(t, err)
	pkg, err := apt.ParsePackage(p)
	require.NoError(t, err)
	pkg.Origin = &origin
	return pkg
}

// run solves the problem and writes the result as text.
func (sc *scenario) run(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	s, err := solve.Solve(t.Context(), apt.NewUniverse(sc.packages), sc.request)
	if err != nil {
		var unsatisfiable *solve.UnsatisfiableError
		var missing *solve.NotFoundError
		require.True(t, errors.As(err, &unsatisfiable) || errors.As(err, &missing), err)
		return "error: " + err.Error() + "\n" + sc.ways(t, unsatisfiable)
	}
	for _, p := range s.Install {
		fmt.Fprintln(&b, "install", p)
	}
	for _, c := range s.Upgrade {
		fmt.Fprintln(&b, "change", c.From, "to", c.To.Version)
	}
	for _, p := range s.Remove {
		fmt.Fprintln(&b, "remove", p)
	}
	for _, p := range s.Older {
		fmt.Fprintln(&b, "older", p)
	}
	for _, text := range slices.Sorted(slices.Values(sc.request.Install)) {
		if s.Satisfied[text] != nil {
			fmt.Fprintln(&b, "satisfied", text, "by", s.Satisfied[text])
		} else if s.Requested[text].Name != text {
			fmt.Fprintln(&b, "requested", text, "is", s.Requested[text])
		}
	}
	for _, p := range s.Resulting {
		if slices.Contains(sc.why, p.Name) {
			for _, r := range s.Why(p) {
				fmt.Fprintln(&b, "why", p.Name+":", r)
			}
		}
	}
	if sc.batches {
		writeBatches(t, &b, s, sc.request.Installed)
	}
	return b.String()
}

// ways lists the ways out, each of which must work.
func (sc *scenario) ways(t *testing.T, failed *solve.UnsatisfiableError) string {
	t.Helper()
	if failed == nil {
		return ""
	}
	var b strings.Builder
	universe := apt.NewUniverse(sc.packages)
	ways, err := solve.Ways(t.Context(), universe, sc.request, failed)
	require.NoError(t, err)
	for _, w := range ways {
		s, err := solve.Solve(t.Context(), universe, w.Apply())
		require.NoError(t, err)
		require.Equal(t, s.Resulting, w.Solution.Resulting)
		fmt.Fprintln(&b, "way out:", w)
	}
	return b.String()
}

// writeBatches writes the batches of a solution.
func writeBatches(t *testing.T, b *strings.Builder, s *solve.Solution, installed []*apt.Package) {
	t.Helper()
	install := slices.Clone(s.Install)
	for _, c := range s.Upgrade {
		install = append(install, c.To)
	}
	batches, err := solve.Batches(context.Background(), install, installed)
	if err != nil {
		fmt.Fprintln(b, "error:", err)
		return
	}
	for _, batch := range batches {
		for i, list := range [][]*apt.Package{batch.Unpack, batch.Configure} {
			fmt.Fprint(b, [2]string{"unpack", "configure"}[i])
			for _, p := range list {
				fmt.Fprint(b, " ", p.Name)
			}
			fmt.Fprintln(b)
		}
	}
}
