package vm_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/test/document"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// program is a package with a program that prints its name.
func program(name, version string) apttest.Deb {
	return apttest.Deb{
		Package: name, Version: version, Description: "small but powerful web server or program", // what is searched for
		Files: []apttest.File{{Path: "usr/bin/" + name, Mode: 0o755, Content: "#!/bin/sh\necho " + name + "\n"}},
	}
}

// TestExamples types the examples of help, man pages and documents on a running system, whose daemon does
// what they ask for. TestEveryExampleIsRun, in the root, sees to it that none is missing.
func TestExamples(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"), testenv.Tool("ostree"), testenv.Tool("make"))
	steps, err := document.Session("testdata/examples.session")
	require.NoError(t, err)
	d := newDaemonSystem(t, exampleArchive(t))
	d.release(vm.InstalledRef, vm.InstalledRef, "12.2")
	d.release(vm.InstalledRef, "debian/next", "13.1")
	d.release(vm.InstalledRef, "stable", "12.3")
	d.putFile("var/roothome/host.yaml", []byte(treefileExample(t)))
	for _, local := range []apttest.Deb{program("hello", "2.10-3"), zones("2099a-1")} {
		d.putFile("var/roothome/"+local.FileName(), local.Build(t))
	}
	for _, s := range steps {
		r := d.try("sh", "-c", "cd /root && "+s.Command)
		require.NoError(t, s.Check(r.Code, r.Stdout+r.Stderr))
		require.NotContains(t, r.Stderr, "works without it", s.Place)
		if s.Reboots {
			d.rebooted()
		}
	}
	d.runReadme()
}

// zones is a newer version of a package of the base.
func zones(version string) apttest.Deb {
	return apttest.Deb{Package: "tzdata", Version: version, Files: []apttest.File{{Path: "usr/share/zoneinfo/Here", Content: version}}}
}

// exampleArchive has what the examples name, and what a small base is composed of.
func exampleArchive(t *testing.T) *apttest.Archive {
	t.Helper()
	archive := apttest.New(t, apttest.Options{Suite: "bookworm", Codename: "bookworm", Contents: true})
	light := program("nginx-light", "1.22.1-9")
	light.Conflicts = "nginx"
	archive.Add(program("nginx", "1.22.1-9"), light, program("git", "1:2.39.5-0"), program("htop", "3.2.2-2"), zones("2099b-1"))
	_, err := built()
	require.NoError(t, err)
	debs, err := filepath.Glob(filepath.Join(os.TempDir(), "apt-ostree-vm-cache/packages/sha256/*/*"))
	require.NoError(t, err)
	require.NotEmpty(t, debs)
	for _, file := range debs {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		if bytes.HasPrefix(data, []byte("!<arch>\n")) { // the others are lists
			addDeb(t, archive, file, data)
		}
	}
	return archive
}

// addDeb adds a package that was downloaded to an archive.
func addDeb(t *testing.T, archive *apttest.Archive, file string, data []byte) {
	t.Helper()
	r, err := deb.Open(file, deb.Options{})
	require.NoError(t, err)
	defer r.Close()
	control, err := r.Control()
	require.NoError(t, err)
	archive.AddFile("pool/"+filepath.Base(file)+".deb", "main", "amd64", string(control.Paragraph()), data)
}

// treefileExample is the one of docs/treefile.md.
func treefileExample(t *testing.T) string {
	t.Helper()
	return block(t, "../../docs/treefile.md", "yaml")
}

// block is the only one of a language in a document.
func block(t *testing.T, path, language string) string {
	t.Helper()
	blocks, err := document.Blocks(path)
	require.NoError(t, err)
	var found []string
	for _, b := range blocks {
		if b.Language == language {
			found = append(found, b.Text)
		}
	}
	require.Len(t, found, 1, path)
	return found[0]
}

// readme makes a program of the part of one that README.md shows.
const readme = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func layer(ctx context.Context) error {
%s	fmt.Println(deployment.Checksum)
	return nil
}

func main() {
	if err := layer(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

// runReadme runs the library's example in README.md as a program of the system.
func (d *daemonSystem) runReadme() {
	t := d.t
	source, program := filepath.Join(t.TempDir(), "main.go"), filepath.Join(t.TempDir(), "layer")
	text := strings.Replace(readme, "%s", block(t, "../../README.md", "go"), 1)
	require.NoError(t, os.WriteFile(source, []byte(text), 0o644))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(program)
	require.NoError(t, err)
	d.putFile("var/tmp/layer", data)
	d.sh("chmod +x /var/tmp/layer; systemctl stop apt-ostreed")
	checksum := d.sh("unshare --mount sh -c 'mount -o remount,rw /sysroot && exec /var/tmp/layer'")
	pending := d.status().Deployments[0]
	require.Equal(t, []string{"nginx"}, pending.Packages)
	require.Equal(t, pending.Checksum, strings.TrimSpace(checksum))
}
