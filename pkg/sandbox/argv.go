package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Descriptors 0 to 2 are the standard streams; Spec.ExtraFiles follow, then
// the ones of the jail itself.
const firstExtraFD = 3

// Argv returns the command line that Run starts for spec, program included.
// It is a pure function: it looks at no file, so tests can assert on it
// without privileges. Run resolves symbolic links in mount targets first;
// Argv shows them as given.
func (b *Bwrap) Argv(spec Spec) ([]string, error) {
	if err := validate(spec); err != nil {
		return nil, err
	}
	args := []string{b.path}
	args = append(args, b.isolationArgs(spec)...)
	args = append(args, capabilityArgs(spec)...)
	args = append(args, environmentArgs(spec)...)
	args = append(args, treeArgs(spec)...)
	args = append(args, mountArgs(spec)...)
	args = append(args,
		"--chdir", dirOf(spec),
		"--json-status-fd", strconv.Itoa(statusFD(spec)),
		"--block-fd", strconv.Itoa(blockFD(spec)),
		"--")
	return append(args, spec.Argv...), nil
}

func (b *Bwrap) isolationArgs(spec Spec) []string {
	args := []string{"--die-with-parent", "--new-session",
		"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"}
	if !spec.Network {
		args = append(args, "--unshare-net")
	}
	if b.userNamespace {
		args = append(args, "--unshare-user", "--uid", "0", "--gid", "0")
	}
	hostname := spec.Hostname
	if hostname == "" {
		hostname = "localhost"
	}
	return append(args, "--hostname", hostname)
}

func capabilityArgs(spec Spec) []string {
	capabilities := spec.Capabilities
	if capabilities == nil {
		capabilities = DefaultCapabilities()
	}
	args := []string{"--cap-drop", "ALL"}
	for _, c := range capabilities {
		args = append(args, "--cap-add", c)
	}
	return args
}

func environmentArgs(spec Spec) []string {
	args := []string{"--clearenv"}
	for _, entry := range spec.Env {
		key, value, _ := strings.Cut(entry, "=")
		args = append(args, "--setenv", key, value)
	}
	return args
}

// treeArgs mounts the tree and what every program finds in it. An empty /sys
// that cannot be written to makes hardware probes give up at once.
func treeArgs(spec Spec) []string {
	bind := "--bind"
	if spec.ReadOnlyRoot {
		bind = "--ro-bind"
	}
	return []string{
		bind, spec.Root, "/",
		"--proc", "/proc",
		"--dev", "/dev",
		"--perms", "1777", "--tmpfs", "/dev/shm",
		"--perms", "0555", "--tmpfs", "/sys", "--remount-ro", "/sys",
		"--perms", "0755", "--tmpfs", "/run",
		"--perms", "1777", "--dir", "/run/lock",
		"--perms", "1777", "--tmpfs", "/tmp",
	}
}

// builtinTargets are the directories treeArgs needs in the tree, with the
// permissions they get where they are missing.
func builtinTargets() map[string]fs.FileMode {
	return map[string]fs.FileMode{
		"/proc": 0o755,
		"/dev":  0o755,
		"/sys":  0o755,
		"/run":  0o755,
		"/tmp":  0o777 | fs.ModeSticky,
	}
}

func mountArgs(spec Spec) []string {
	var args []string
	dataFD := blockFD(spec) + 1
	for _, m := range spec.Mounts {
		//exhaustive:enforce
		switch m.Kind {
		case Bind:
			args = append(args, "--bind", m.Source, m.Target)
		case ROBind:
			args = append(args, "--ro-bind", m.Source, m.Target)
		case Tmpfs:
			args = append(args, "--perms", octal(m.Mode, 0o755), "--tmpfs", m.Target)
		case Data:
			args = append(args, "--perms", octal(m.Mode, 0o644), "--ro-bind-data", strconv.Itoa(dataFD), m.Target)
			dataFD++
		}
	}
	return args
}

func statusFD(spec Spec) int { return firstExtraFD + len(spec.ExtraFiles) }
func blockFD(spec Spec) int  { return statusFD(spec) + 1 }

func dirOf(spec Spec) string {
	if spec.Dir == "" {
		return "/"
	}
	return spec.Dir
}

// octal prints permission bits as chmod(1) reads them.
func octal(mode, otherwise fs.FileMode) string {
	if mode == 0 {
		mode = otherwise
	}
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return fmt.Sprintf("%04o", bits)
}

func validate(spec Spec) error {
	if !filepath.IsAbs(spec.Root) {
		return fmt.Errorf("sandbox root %q: not an absolute path", spec.Root)
	}
	if len(spec.Argv) == 0 || spec.Argv[0] == "" {
		return errors.New("sandbox: no program to run")
	}
	if spec.Dir != "" && !path.IsAbs(spec.Dir) {
		return fmt.Errorf("sandbox working directory %q: not an absolute path", spec.Dir)
	}
	for _, arg := range spec.Argv {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("sandbox argument %q: contains a NUL byte", arg)
		}
	}
	for _, entry := range spec.Env {
		if key, _, ok := strings.Cut(entry, "="); !ok || key == "" || strings.ContainsRune(entry, 0) {
			return fmt.Errorf("sandbox environment %q: not of the form KEY=VALUE", entry)
		}
	}
	for _, m := range spec.Mounts {
		if err := validateMount(m); err != nil {
			return err
		}
	}
	return nil
}

func validateMount(m Mount) error {
	if m.Kind < Bind || m.Kind > Data {
		return fmt.Errorf("sandbox mount over %s: unknown kind %d", m.Target, int(m.Kind))
	}
	if !path.IsAbs(m.Target) || path.Clean(m.Target) == "/" {
		return fmt.Errorf("sandbox mount over %q: want an absolute path below /", m.Target)
	}
	if (m.Kind == Bind || m.Kind == ROBind) && !filepath.IsAbs(m.Source) {
		return fmt.Errorf("sandbox mount over %s: source %q is not an absolute path", m.Target, m.Source)
	}
	return nil
}
