package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// Guest is what a system gets so that tests can use it. All of it is local configuration, in /etc and
// /var, as an administrator would make it: the commit is what any machine would boot.
type Guest struct {
	// Agent, Program and Ostree are files on this machine, see Build. Those but the agent go to
	// /usr/local/bin, and the second one finalizes staged deployments. Without a Program the commit has
	// to have the project's files itself, as that of [InstalledRef].
	Agent, Program, Ostree string
	// Sources replaces the APT sources of the system.
	Sources []byte
	// Data is the directory of the project's files of that name. Its units are there, but a test that
	// wants one enables it.
	Data string
}

// agentUnit starts the agent as early as it can be of use, and lets it run until the end.
const agentUnit = `[Unit]
Description=Agent of the test harness
DefaultDependencies=no
IgnoreOnIsolate=yes
After=systemd-remount-fs.service

[Service]
ExecStartPre=-/sbin/modprobe -q virtio_console
ExecStart=/etc/apt-ostree-test/agent
Restart=always
RestartSec=1
KillMode=process
OOMScoreAdjust=-900
`

// network is the one that QEMU gives to a guest, written down because asking for it takes seconds.
const network = `[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
`

// quickTrigger announces the devices that a guest has. Under emulation each of the others, such as 64
// virtual consoles, costs 20 to 50 ms and matters to nobody.
const quickTrigger = `[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=pci --subsystem-match=virtio --subsystem-match=block --subsystem-match=net --subsystem-match=virtio-ports --subsystem-match=misc
ExecStart=-udevadm trigger --action=add /sys/class/tty/ttyS0
`

// grubMenu makes the menu of GRUB visible on the console and does not wait for anybody.
const grubMenu = `serial --unit=0 --speed=115200
terminal_output serial console
set timeout=0
`

// The program is not in /usr/bin here but below /var.
const (
	finalizer = `[Unit]
RequiresMountsFor=/var
[Service]
ExecStop=
ExecStop=/usr/local/bin/apt-ostree finalize-staged
`
	assessor = `[Service]
ExecStart=
ExecStart=/usr/local/bin/apt-ostree assess-boot --reboot
`
)

// masked are units that cost time at boot and that no test looks at.
var masked = []string{
	"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
	"getty@tty1.service", "serial-getty@ttyS0.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
	"dev-hugepages.mount", "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount", "systemd-binfmt.service", "systemd-pstore.service",
	"systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
}

// Configure does it. It is the Configure of image.InstallOptions.
func (g Guest) Configure(ctx context.Context, d deploy.Deployment, varDir string) error {
	etc := filepath.Join(d.Path, "etc")
	boot := filepath.Join(d.Path, "../../../../../boot")
	files := map[string]string{
		etc + "/hostname": "guest\n",
		etc + "/systemd/system/apt-ostree-agent.service":                  agentUnit,
		etc + "/systemd/system/systemd-udev-trigger.service.d/quick.conf": quickTrigger,
		etc + "/systemd/network/10-qemu.network":                          network,
		boot + "/grub/custom.cfg":                                         grubMenu,
	}
	copies := map[string]string{g.Agent: etc + "/apt-ostree-test/agent"}
	local := func(program string) { copies[program] = filepath.Join(varDir, "usrlocal/bin", filepath.Base(program)) }
	if g.Ostree != "" {
		local(g.Ostree)
	}
	if g.Program != "" {
		unit, err := os.ReadFile(filepath.Join(g.Data, "systemd/apt-ostree-boot-complete.service"))
		if err != nil {
			return err
		}
		files[etc+"/systemd/system/ostree-finalize-staged.service.d/ours.conf"] = finalizer
		files[etc+"/systemd/system/apt-ostree-boot-complete.service"] = string(unit)
		files[etc+"/systemd/system/apt-ostree-boot-complete.service.d/ours.conf"] = assessor
		local(g.Program)
		local(filepath.Join(g.Data, "apt-ostree-grub-menu"))
	}
	if g.Sources != nil {
		if err := os.RemoveAll(etc + "/apt/sources.list.d/apt-ostree.sources"); err != nil {
			return err
		}
		files[etc+"/apt/sources.list.d/test.sources"] = string(g.Sources)
	}
	for path, text := range files {
		if err := putFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, unit := range masked {
		if err := os.Symlink("/dev/null", filepath.Join(etc, "systemd/system", unit)); err != nil {
			return err
		}
	}
	for _, target := range []string{"sysinit.target", "emergency.target", "rescue.target"} {
		if err := putLink("../apt-ostree-agent.service", filepath.Join(etc, "systemd/system", target+".wants/apt-ostree-agent.service")); err != nil {
			return err
		}
	}
	for from, to := range copies {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := putFile(to, data, 0o755); err != nil {
			return err
		}
	}
	// The system makes its own on its first boot, which takes half a minute under emulation.
	key := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guest", "-f", etc+"/ssh/ssh_host_ed25519_key")
	if out, err := key.CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	return nil
}

func putFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

func putLink(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Symlink(target, path)
}
