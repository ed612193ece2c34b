package assemble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// fakeDpkg writes what a dpkg would: lines that begin with ">" go to the status
// descriptor, "…" waits for the context, everything else is output.
func fakeDpkg(script string, result error) func(context.Context, sandbox.Spec) error {
	return func(ctx context.Context, spec sandbox.Spec) error {
		for line := range strings.Lines(script) {
			switch report, ok := strings.CutPrefix(line, ">"); {
			case ok:
				if _, err := io.WriteString(spec.ExtraFiles[0], report); err != nil {
					return err
				}
				time.Sleep(5 * time.Millisecond) // dpkg starts the next script after it
			case line == "…\n":
				<-ctx.Done()
				return fmt.Errorf("dpkg: %w", context.Cause(ctx))
			default:
				if _, err := io.WriteString(spec.Stdout, line); err != nil {
					return err
				}
			}
		}
		return result
	}
}

// cage opens a Cage whose programs do as told.
func cage(t *testing.T, in assemble.Input) *assemble.Cage {
	t.Helper()
	in.WorkDir = t.TempDir()
	in.Timestamp = time.Unix(1700000000, 0)
	c, err := assemble.OpenCage(in)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestDpkgSpec(t *testing.T) {
	t.Parallel()
	recorder := &sandboxtest.Recorder{}
	c := cage(t, assemble.Input{Runner: recorder})
	require.NoError(t, c.Dpkg(t.Context(), "--configure", "--pending"))
	require.Len(t, recorder.Specs(), 1)
	spec := recorder.Specs()[0]
	require.Equal(t, c.Root(), spec.Root)
	require.Equal(t, "dpkg --force-confdef --force-confold --force-unsafe-io --abort-after=1 --status-fd=3 --configure --pending", strings.Join(spec.Argv, " "))
	require.False(t, spec.Network)
	require.Nil(t, spec.Capabilities, "the default ten")
	require.Contains(t, spec.Env, "SOURCE_DATE_EPOCH=1700000000")
	require.Contains(t, spec.Env, "INITRD=No")
	require.Contains(t, spec.Env, "PATH=/run/apt-ostree/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	require.Len(t, spec.ExtraFiles, 1)
	require.Equal(t, []sandbox.Mount{
		{Kind: sandbox.Tmpfs, Target: "/var/tmp", Mode: 0o777 | os.ModeSticky},
		{Kind: sandbox.ROBind, Source: filepath.Join(filepath.Dir(c.Root()), "stage"), Target: "/run/apt-ostree"},
	}, spec.Mounts)
	for _, tool := range []string{"update-initramfs", "update-grub", "grub-probe"} {
		info, err := os.Stat(filepath.Join(spec.Mounts[1].Source, "bin", tool))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o755), info.Mode())
	}
}

func TestDpkgBlamesTheScript(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	exit := &sandbox.ExitError{Argv: []string{"dpkg"}, Code: 1}
	recorder := &sandboxtest.Recorder{Do: fakeDpkg(`(Reading database ... 5 files)
>processing: configure: good
Setting up good (1) ...
>status: good: half-configured
good speaks
>status: good: installed
>processing: configure: bad
Setting up bad (1) ...
>status: bad: half-configured
bad speaks `+strings.Repeat("x", 3)+`
dpkg: error processing package bad (--configure):
 installed bad package post-installation script subprocess returned error exit status 42
>status: bad : error : installed bad package post-installation script subprocess returned error exit status 42
>status: later : error : dependency problems - leaving unconfigured
dpkg: too many errors, stopping
`, exit)}
	c := cage(t, assemble.Input{Runner: recorder, LogDir: logs})
	err := c.Dpkg(t.Context(), "--configure", "--pending")
	var script *assemble.ScriptError
	require.ErrorAs(t, err, &script)
	require.Equal(t, "bad", script.Package)
	require.Equal(t, "postinst", script.Phase)
	require.Equal(t, 42, script.Code)
	require.ErrorIs(t, err, exit)
	require.Contains(t, script.Log, "bad speaks xxx")
	require.NotContains(t, strings.Join(script.Log, "\n"), "good speaks")
	require.Equal(t, filepath.Join(logs, "bad.log"), script.LogPath)
	require.EqualError(t, err, "package bad: postinst: exit status 42 (log: "+script.LogPath+")")

	text, err := os.ReadFile(filepath.Join(logs, "good.log"))
	require.NoError(t, err)
	require.Regexp(t, `^\[ *\d+\.\d{3}\] Setting up good \(1\) \.\.\.\n\[ *\d+\.\d{3}\] good speaks\n$`, string(text))
}

func TestDpkgFailures(t *testing.T) {
	t.Parallel()
	exit := &sandbox.ExitError{Argv: []string{"dpkg"}, Code: 2}
	for _, c := range []struct{ name, script, message string }{
		{
			"conflict of files",
			">processing: install: b\n>status: /run/apt-ostree/debs/b_1_all.deb : error : trying to overwrite '/usr/bin/x', which is also in package a 1\n",
			"unpack package b: trying to overwrite '/usr/bin/x', which is also in package a 1",
		}, {
			"trigger",
			">processing: trigproc: libc-bin\n>status: libc-bin : error : installed libc-bin package post-installation script subprocess was killed by signal (Killed)\n",
			"package libc-bin: trigger: killed by signal 9 (killed)",
		}, {
			"usage", "dpkg: error: unknown option --nonsense\n", "dpkg: unknown option --nonsense",
		}, {
			"fatal",
			">processing: configure: a\ndpkg: unrecoverable fatal error, aborting:\n unable to flush status: No space left on device\n",
			"configure package a: unable to flush status: No space left on device",
		}, {
			"silence", "", "dpkg: dpkg: exit status 2",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cage := cage(t, assemble.Input{Runner: &sandboxtest.Recorder{Do: fakeDpkg(c.script, exit)}})
			err := cage.Dpkg(t.Context(), "--unpack")
			require.EqualError(t, err, c.message)
			require.ErrorIs(t, err, exit)
			require.Equal(t, strings.Contains(c.message, "No space"), errors.Is(err, syscall.ENOSPC))
		})
	}
}

func TestDpkgScriptTimeout(t *testing.T) {
	t.Parallel()
	recorder := &sandboxtest.Recorder{Do: fakeDpkg(">processing: install: slow\npreinst waits\n…\n", nil)}
	c := cage(t, assemble.Input{Runner: recorder, ScriptTimeout: 100 * time.Millisecond})
	err := c.Dpkg(t.Context(), "--unpack")
	var script *assemble.ScriptError
	require.ErrorAs(t, err, &script)
	require.Equal(t, "package slow: preinst: did not finish within 100ms and was killed", err.Error())
	require.Equal(t, []string{"preinst waits"}, script.Log)
}

// The clock restarts with each report: many scripts that are quick one by one
// are no reason to stop.
func TestDpkgTimeoutIsPerScript(t *testing.T) {
	t.Parallel()
	recorder := &sandboxtest.Recorder{Do: fakeDpkg(strings.Repeat(">processing: configure: quick\n", 60), nil)}
	c := cage(t, assemble.Input{Runner: recorder, ScriptTimeout: 150 * time.Millisecond})
	require.NoError(t, c.Dpkg(t.Context(), "--unpack")) // 60 × 5 ms
}

func TestDpkgCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	recorder := &sandboxtest.Recorder{Do: func(ctx context.Context, _ sandbox.Spec) error {
		cancel()
		<-ctx.Done()
		return fmt.Errorf("dpkg: %w", context.Cause(ctx))
	}}
	c := cage(t, assemble.Input{Runner: recorder})
	require.ErrorIs(t, c.Dpkg(ctx, "--unpack"), context.Canceled)
}

// A script may print without end and without lines; memory and reports do not
// suffer, and escape sequences do not reach the terminal.
func TestDpkgHostileOutput(t *testing.T) {
	t.Parallel()
	flood := bytes.Repeat([]byte("\x1b[2J\x00\xff"), 1<<20)
	recorder := &sandboxtest.Recorder{Do: func(_ context.Context, spec sandbox.Spec) error {
		if _, err := spec.Stdout.Write(flood); err != nil {
			return err
		}
		_, err := io.WriteString(spec.ExtraFiles[0], "processing: configure: a\nstatus: a : error : broken\n")
		return errors.Join(err, &sandbox.ExitError{Code: 1})
	}}
	c := cage(t, assemble.Input{Runner: recorder})
	err := c.Dpkg(t.Context(), "--configure", "--pending")
	require.EqualError(t, err, "configure package a: broken")
}

func TestRunFailure(t *testing.T) {
	t.Parallel()
	recorder := &sandboxtest.Recorder{Do: func(_ context.Context, spec sandbox.Spec) error {
		for i := range 200 {
			fmt.Fprintf(spec.Stdout, "line %d\n", i)
		}
		return &sandbox.ExitError{Argv: spec.Argv, Code: 3}
	}}
	c := cage(t, assemble.Input{Runner: recorder, LogDir: t.TempDir()})
	err := c.Run(t.Context(), "postprocess ../../evil", "postprocess", "/bin/false")
	var script *assemble.ScriptError
	require.ErrorAs(t, err, &script)
	require.Equal(t, "postprocess", script.Phase)
	require.Equal(t, "../../evil", script.Name)
	require.Len(t, script.Log, 50)
	require.Equal(t, "line 199", script.Log[49])
	require.Equal(t, "postprocess_.._.._evil.log", filepath.Base(script.LogPath))
	require.Equal(t, 5*time.Minute, recorder.Specs()[0].Timeout)
}
