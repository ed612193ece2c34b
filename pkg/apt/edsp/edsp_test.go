package edsp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/edsp"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

const scenario = `Request: EDSP 0.5
Architecture: amd64
Architectures: amd64 i386
Machine-ID: 0123456789abcdef0123456789abcdef
Remove: old:amd64
Install: web:amd64 not-there:amd64
Upgrade-All: yes
Solver: ours

Package: web
Architecture: amd64
Version: 2
APT-ID: 7
Multi-Arch: foreign
Source: web-src
Source-Version: 2-1
Priority: optional
Section: net
APT-Release:
 v=12.5,o=Debian,a=stable,n=bookworm,l=Debian,c=main,b=amd64
 v=12,o=Debian,a=stable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
APT-Pin: 500
APT-Candidate: yes
Depends: lib (>= 2) | other, sh
Provides: httpd, server (= 2)

Package: lib
Architecture: amd64
Version: 2
APT-ID: 8
Source: lib
Source-Version: 2
APT-Pin: 500
APT-Candidate: yes

Package: lib
Architecture: amd64
Version: 1
APT-ID: 9
Source: lib
Source-Version: 1
Installed: yes
APT-Pin: 100
APT-Automatic: yes

Package: sh
Architecture: amd64
Version: 1
APT-ID: 10
Essential: yes
Source: sh
Source-Version: 1
Installed: yes
Hold: yes
APT-Pin: 100

Package: sh
Architecture: amd64
Version: 3
APT-ID: 12
Source: sh
Source-Version: 3
APT-Pin: 500
APT-Candidate: yes

Package: old
Architecture: all
Version: 1
APT-ID: 11
Source: old
Source-Version: 1
Installed: yes
APT-Pin: 100
`

func read(t testing.TB, text string) *edsp.Scenario {
	t.Helper()
	s, err := edsp.Read(strings.NewReader(text))
	require.NoError(t, err)
	return s
}

func TestScenarioRoundTrip(t *testing.T) {
	t.Parallel()
	s := read(t, scenario)
	require.Equal(t, []string{"amd64", "i386"}, s.Request.Architectures)
	require.True(t, s.Request.UpgradeAll)
	require.Len(t, s.Packages, 6)
	web := s.Packages[0]
	require.Equal(t, "2-1", web.SourceVersion.String())
	require.Equal(t, "stable/main", web.Origin.String())
	require.Equal(t, "Debian-Security", web.AlsoFrom[0].Label)
	require.Equal(t, 500, web.Pin)
	require.True(t, s.Packages[3].Hold)
	var b bytes.Buffer
	require.NoError(t, s.Write(&b))
	require.Equal(t, scenario, b.String())
}

func TestSolve(t *testing.T) {
	t.Parallel()
	s := read(t, scenario)
	solution, err := solve.Solve(t.Context(), s.Universe(), s.SolveRequest(true))
	var b bytes.Buffer
	require.NoError(t, s.WriteResult(&b, solution, err))
	require.Equal(t, "Install: 7\n\nInstall: 8\n\nRemove: 11\n\n", b.String(), "sh is held")
	a, err := edsp.ReadAnswer(&b)
	require.NoError(t, err)
	require.Equal(t, &edsp.Answer{Install: []string{"7", "8"}, Remove: []string{"11"}}, a)
}

func TestSolveFails(t *testing.T) {
	t.Parallel()
	s := read(t, strings.Replace(scenario, "Provides: httpd", "Conflicts: sh\nProvides: httpd", 1))
	solution, err := solve.Solve(t.Context(), s.Universe(), s.SolveRequest(true))
	var b bytes.Buffer
	require.NoError(t, s.WriteResult(&b, solution, err))
	_, failed := edsp.ReadAnswer(&b)
	var failure *edsp.FailureError
	require.ErrorAs(t, failed, &failure)
	require.Equal(t, strings.TrimSpace(err.Error()), strings.TrimSpace(failure.Message))
	require.Contains(t, failure.Message, "sh 1 is held")
}

// TestForbidden reads the limits of "apt-get upgrade".
func TestForbidden(t *testing.T) {
	t.Parallel()
	s := read(t, "Request: EDSP 0.5\nArchitecture: amd64\nUpgrade: yes\nForbid-New-Install: yes\nForbid-Remove: yes\nStrict-Pinning: no\n")
	req := s.SolveRequest(false)
	require.True(t, req.UpgradeAll && req.NoNew && req.NoRemove && !req.Recommends)
	require.True(t, s.Request.AnyVersion)
}

// TestRepeatedVersion has one version that was built twice.
func TestRepeatedVersion(t *testing.T) {
	t.Parallel()
	s := read(t, scenario+"\nPackage: old\nArchitecture: all\nVersion: 1\nAPT-ID: 13\nAPT-Candidate: yes\nDepends: lib\n"+
		"\nPackage: lib\nArchitecture: amd64\nVersion: 2\nAPT-ID: 14\nInstalled: no\n")
	solution, err := solve.Solve(t.Context(), s.Universe(), s.SolveRequest(true))
	require.NoError(t, err)
	a, err := s.Answer(solution)
	require.NoError(t, err)
	require.Equal(t, &edsp.Answer{Install: []string{"7", "8"}, Remove: []string{"11"}}, a)
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const request = "Request: EDSP 0.5\nArchitecture: amd64\n\n"
	for text, says := range map[string]string{
		"":                                     "empty",
		"Request: EIPP 0.1\nArchitecture: a\n": "not a protocol",
		"Request: EDSP 0.5\n":                  "architecture",
		"Request: EDSP 0.5\nArchitecture: amd64\nForbid-Remove: maybe\n":                          "neither yes nor no",
		request + "Package: a\nArchitecture: amd64\nVersion: 1\n":                                 "no APT-ID",
		request + "Package: a\nArchitecture: amd64\nVersion: 1\nAPT-ID: 1\nAPT-Pin: x\n":          "not a number",
		request + "Package: a\nArchitecture: amd64\nVersion: x\nAPT-ID: 1\n":                      "line 4",
		request + "Package: a\nArchitecture: amd64\nVersion: 1\nAPT-ID: 1\nSource-Version: x\n":   "version",
		request + "Package: a\nArchitecture: amd64\nVersion: 1\nAPT-ID: 1\nHold: 1\n":             "neither yes nor no",
		request + strings.Repeat("Package: a\nArchitecture: amd64\nVersion: 1\nAPT-ID: 1\n\n", 2): "two packages with the APT-ID 1",
		request + "Package: a\nPackage: b\n":                                                      "",
	} {
		_, err := edsp.Read(strings.NewReader(text))
		require.ErrorContains(t, err, says, text)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	a := &edsp.Answer{Install: []string{"1", "2"}, Remove: []string{"3"}, Autoremove: []string{"4"}}
	var b bytes.Buffer
	require.NoError(t, a.Write(&b))
	back, err := edsp.ReadAnswer(strings.NewReader("Progress: now\nPercentage: 50\n\n" + b.String()))
	require.NoError(t, err)
	require.Equal(t, a, back)
	_, err = edsp.ReadAnswer(strings.NewReader("Foo: 1\n"))
	require.ErrorContains(t, err, "none of Install")

	b.Reset()
	require.NoError(t, (&edsp.FailureError{ID: "x", Message: "one\n\n  three\n"}).Write(&b))
	require.Equal(t, "Error: x\nMessage: one\n .\n   three\n\n", b.String())
	_, err = edsp.ReadAnswer(&b)
	require.EqualError(t, err, "one\n\n  three")
}

func TestAnswerOfAnotherScenario(t *testing.T) {
	t.Parallel()
	s, other := read(t, scenario), read(t, scenario)
	solution, err := solve.Solve(t.Context(), s.Universe(), s.SolveRequest(true))
	require.NoError(t, err)
	_, err = other.Answer(solution)
	require.ErrorContains(t, err, "not in the scenario")
}

// FuzzRead reads and writes scenarios, and answers them.
func FuzzRead(f *testing.F) {
	f.Add(scenario)
	f.Add("Request: EDSP 0.5\nArchitecture: amd64\nUpgrade-All: yes\n\nPackage: a\nArchitecture: i386\nVersion: 1\nAPT-ID: 0\nInstalled: yes\nPhased-Update-Percentage: 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := edsp.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, s.Write(&b))
		again, err := edsp.Read(bytes.NewReader(b.Bytes()))
		require.NoError(t, err, b.String())
		require.Equal(t, len(s.Packages), len(again.Packages))
		var c bytes.Buffer
		require.NoError(t, again.Write(&c))
		require.Equal(t, b.String(), c.String())
		if len(s.Packages) < 20 {
			solution, err := solve.Solve(t.Context(), s.Universe(), s.SolveRequest(true))
			require.NoError(t, s.WriteResult(&c, solution, err))
		}
	})
}

// FuzzReadAnswer reads and writes answers.
func FuzzReadAnswer(f *testing.F) {
	f.Add("Install: 1\n\nRemove: 2\n\nAutoremove: 3\n")
	f.Add("Error: x\nMessage: a\n .\n b\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := edsp.ReadAnswer(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, a.Write(&b))
		_, err = edsp.ReadAnswer(&b)
		require.NoError(t, err)
	})
}
