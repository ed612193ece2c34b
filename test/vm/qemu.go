package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FastKargs are kernel arguments that only make emulation quicker. The first one is the largest gain:
// QEMU keeps translated code by its virtual address, and random addresses make it translate every
// library anew in every process.
var FastKargs = []string{
	"norandmaps", "nokaslr", "no5lvl", "init_on_alloc=0", "audit=0", "selinux=0", "apparmor=0", "cryptomgr.notests", "nowatchdog",
	"rcupdate.rcu_expedited=1", "random.trust_cpu=on", "8250.nr_uarts=1", "tsc=reliable", "no_timer_check",
	"transparent_hugepage=never", "mitigations=off", "systemd.gpt_auto=0", "systemd.show_status=0",
}

// ArchiveHost is how a guest calls the loopback address of the host.
const ArchiveHost = "10.0.2.2"

// ovmf is where Debian's package ovmf has the firmware.
const ovmf = "/usr/share/OVMF"

// args are QEMU's. It does not wait for the host's disk (no-flush): what it has written survives its
// end, and the power of the host is not cut.
func (m *Machine) args() ([]string, error) {
	path := func(name string) string { return filepath.Join(m.dir, name) }
	args := []string{
		"-machine", "q35,usb=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,-la57",
		"-m", fmt.Sprint(m.opts.Memory), "-smp", "1", "-nodefaults", "-display", "none",
		"-chardev", "file,id=console,append=on,path=" + path("console.log"), "-serial", "chardev:console",
		"-blockdev", "driver=qcow2,node-name=disk,discard=unmap,cache.no-flush=on,file.driver=file,file.filename=" + m.disk,
		"-device", "virtio-blk-pci,drive=disk,bootindex=1",
		"-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
		"-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
		"-chardev", "socket,id=agent,server=on,wait=off,path=" + path("agent.sock"),
		"-device", "virtserialport,chardev=agent,name=apt-ostree.agent",
	}
	if m.opts.Firmware == BIOS {
		return args, nil
	}
	vars := path("vars.fd")
	if _, err := os.Stat(vars); errors.Is(err, fs.ErrNotExist) {
		data, err := os.ReadFile(ovmf + "/OVMF_VARS_4M.fd")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(vars, data, 0o600); err != nil {
			return nil, err
		}
	}
	return append(args,
		"-drive", "if=pflash,format=raw,readonly=on,file="+ovmf+"/OVMF_CODE_4M.fd",
		"-drive", "if=pflash,format=raw,file="+vars), nil
}
