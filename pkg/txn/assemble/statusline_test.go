package assemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// The lines are what dpkg 1.21.22 and 1.22.22 wrote.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line, kind, subject, value, script string
		code                               int
	}{
		{line: "processing: install: base-passwd", kind: "processing", subject: "base-passwd", value: "install"},
		{line: "processing: trigproc: libc-bin", kind: "processing", subject: "libc-bin", value: "trigproc"},
		{line: "status: libc6:amd64: half-installed", kind: "state", subject: "libc6:amd64", value: "half-installed"},
		{line: "status: g++: installed", kind: "state", subject: "g++", value: "installed"},
		{
			line: "status: dracut-core : error : dependency problems - leaving unconfigured",
			kind: "error", subject: "dracut-core", value: "dependency problems - leaving unconfigured",
		},
		{
			line: "status: bad : error : installed bad package post-installation script subprocess returned error exit status 7",
			kind: "error", subject: "bad", value: "installed bad package post-installation script subprocess returned error exit status 7",
			script: "postinst", code: 7,
		},
		{
			line: "status: /run/apt-ostree/debs/bad_1_all.deb : error : new bad package pre-installation script subprocess returned error exit status 1",
			kind: "error", subject: "/run/apt-ostree/debs/bad_1_all.deb", value: "new bad package pre-installation script subprocess returned error exit status 1",
			script: "preinst", code: 1,
		},
		{
			line: "status: bad:amd64 : error : old bad:amd64 package post-removal maintainer script subprocess failed with exit status 2",
			kind: "error", subject: "bad:amd64", value: "old bad:amd64 package post-removal maintainer script subprocess failed with exit status 2",
			script: "postrm", code: 2,
		},
		{
			line: "status: bad : error : installed bad package pre-removal script subprocess was killed by signal (Segmentation fault), core dumped",
			kind: "error", subject: "bad", value: "installed bad package pre-removal script subprocess was killed by signal (Segmentation fault), core dumped",
			script: "prerm", code: 139,
		},
		{
			line: "status: /etc/bad.conf : conffile-prompt : '/etc/bad.conf' '/etc/bad.conf.dpkg-new' 1 1 ",
			kind: "prompt", subject: "/etc/bad.conf", value: "'/etc/bad.conf' '/etc/bad.conf.dpkg-new' 1 1 ",
		},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			kind, subject, value, script, code, ok := assemble.Describe(c.line)
			require.True(t, ok)
			require.Equal(t, []string{c.kind, c.subject, c.value, c.script}, []string{kind, subject, value, script})
			require.Equal(t, c.code, code)
		})
	}
}

func TestStatusLineUnknown(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "status", "status: ", "status: foo", "status: foo: ", "processing: install", "processing: install: ",
		"progress: 3", "status: foo : novelty : bar", "Setting up foo (1.0) ...",
	} {
		_, _, _, _, _, ok := assemble.Describe(line)
		require.False(t, ok, line)
	}
}

func TestScriptPhase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ action, state, phase string }{
		{"install", "", "preinst"},
		{"install", "half-installed", "unpack"},
		{"upgrade", "", "prerm"},
		{"upgrade", "unpacked", "preinst"},
		{"upgrade", "half-installed", "postrm"},
		{"configure", "unpacked", "postinst"},
		{"trigproc", "half-configured", "trigger"},
		{"remove", "half-configured", "prerm"},
		{"remove", "half-installed", "postrm"},
		{"purge", "config-files", "postrm"},
	} {
		require.Equal(t, c.phase, assemble.ScriptPhase(c.action, c.state), "%s, %s", c.action, c.state)
	}
}

func FuzzStatusLine(f *testing.F) {
	f.Add("status: foo:amd64 : error : installed foo package post-installation script subprocess returned error exit status 999999999999999999999")
	f.Add("processing: install: foo")
	f.Fuzz(func(t *testing.T, line string) {
		_, subject, _, script, code, ok := assemble.Describe(line)
		if ok && subject == "" {
			t.Errorf("%q: no subject", line)
		}
		if script != "" && (code < 0 || code > 255) {
			t.Errorf("%q: exit status %d", line, code)
		}
	})
}

// TestLateMonitor reads what dpkg wrote long ago: the words of a script are those of its package all the same.
func TestLateMonitor(t *testing.T) {
	t.Parallel()
	const failure = "status: bad : error : installed bad package post-installation script subprocess returned error exit status 1\n"
	for name, c := range map[string]struct{ early, status, output string }{
		"configure":                {"", "processing: configure: good\nstatus: good: installed\nprocessing: configure: bad\n", "Setting up good (1) ...\nfine\nSetting up bad (1) ...\noh no\n"},
		"announced before":         {"Setting up bad:amd64 (1) ...\n", "processing: configure: bad:amd64\n", "oh no\n"},
		"install":                  {"", "processing: install: good\nprocessing: install: bad\n", "Preparing to unpack .../good_1_all.deb ...\nUnpacking good (1) ...\nPreparing to unpack .../bad_1_all.deb ...\noh no\n"},
		"trigger":                  {"", "processing: trigproc: bad\n", "Setting up other (1) ...\nProcessing triggers for bad (1) ...\noh no\n"},
		"a name that begins so":    {"", "processing: configure: bad\n", "Setting up bad-too (1) ...\nSetting up bad (1) ...\noh no\n"},
		"a script that tells lies": {"", "processing: configure: bad\n", "Setting up bad (1) ...\nSetting up bad (1) ...\noh no\n"},
	} {
		got, err := assemble.Follow(c.early, c.status+failure, c.output)
		require.NoError(t, err, name)
		require.NotEmpty(t, got, name)
		require.Equal(t, "oh no", got[len(got)-1], name)
		require.NotContains(t, got, "fine", name)
		require.NotContains(t, got, "Setting up other (1) ...", name)
		require.NotContains(t, got, "Setting up bad-too (1) ...", name)
	}
}
