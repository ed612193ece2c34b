package apttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// libraryPath finds the files in what ldd(1) prints.
var libraryPath = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// System is an Essential package with which an archive can make a system: dpkg and what scripts need,
// as this machine has them. A compose of it takes a second. The machine must have dpkg and ldd.
func System(t testing.TB) Deb {
	t.Helper()
	system := Deb{Package: "dpkg", Architecture: "amd64", Essential: true, Compression: None}
	for path, content := range map[string]string{
		"usr/lib/os-release": "ID=test\nPRETTY_NAME=\"Test 1\"\nVERSION=\"1\"\nVERSION_ID=\"1\"\n",
		"etc/passwd":         "root:x:0:0:root:/root:/bin/sh\n",
		"etc/group":          "root:x:0:\nshadow:x:42:\n",
		"etc/shadow":         "root:*:19000:0:99999:7:::\n",
		"etc/gshadow":        "root:*::\nshadow:*::\n",
	} {
		system.Files = append(system.Files, File{Path: path, Content: content})
	}
	for _, name := range []string{
		"dpkg", "dpkg-deb", "dpkg-query", "dpkg-split", "dpkg-trigger", "dpkg-divert", "dpkg-statoverride", "update-alternatives",
		"sh", "tar", "rm", "cat", "cp", "mkdir", "find", "diff", "touch", "chmod", "true", "ldconfig", "start-stop-daemon",
	} {
		system.addProgram(t, name)
	}
	slices.SortFunc(system.Files, func(a, b File) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	return system
}

// addProgram adds a program and its libraries at the paths they have once /usr is merged.
func (d *Deb) addProgram(t testing.TB, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // an ordinary user's PATH
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	require.NoError(t, err)
	paths := []string{path}
	if out, err := exec.CommandContext(t.Context(), "ldd", path).Output(); err == nil { // it fails for what is linked statically
		for _, m := range libraryPath.FindAllStringSubmatch(string(out), -1) {
			paths = append(paths, m[1])
		}
	}
	for _, p := range paths {
		dir, err := filepath.EvalSymlinks(filepath.Dir(p))
		require.NoError(t, err)
		inside := filepath.Join(dir, filepath.Base(p))[1:]
		if slices.ContainsFunc(d.Files, func(f File) bool { return f.Path == inside }) {
			continue
		}
		content, err := os.ReadFile(p)
		require.NoError(t, err)
		d.Files = append(d.Files, File{Path: inside, Content: string(content), Mode: 0o755})
	}
}
