package layout

import (
	"bytes"
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// plainHosts is what netbase writes when there is no /etc/hosts: no name of a machine in it.
const plainHosts = `127.0.0.1	localhost
::1		localhost ip6-localhost ip6-loopback
ff02::1		ip6-allnodes
ff02::2		ip6-allrouters
`

const (
	stubResolver = "usr/lib/systemd/systemd-resolved"
	stubTarget   = "../run/systemd/resolve/stub-resolv.conf"
)

// identity gives the files that tell one machine from another the content of no machine.
func (f *folder) identity(ctx context.Context) error {
	if err := f.machineID(ctx); err != nil {
		return err
	}
	if err := f.hosts(ctx); err != nil {
		return err
	}
	if err := f.resolvConf(ctx); err != nil {
		return err
	}
	return f.mtab(ctx)
}

// machineID leaves an empty file, which systemd fills in (machine-id(5), INITIALIZATION), and
// removes the copy that D-Bus makes when it cannot link.
func (f *folder) machineID(ctx context.Context) error {
	if err := f.write(ctx, "etc/machine-id", nil, 0o444); err != nil {
		return err
	}
	const dbus = "var/lib/dbus/machine-id"
	info, ok, err := f.info(ctx, dbus)
	if err != nil || !ok || info.Mode&typeMask == typeLink {
		return err
	}
	return f.tree.Remove(dbus)
}

// hosts makes sure that localhost has a name, and drops the line by which Debian's installer gives
// the machine its own (127.0.1.1). Everything else is somebody's configuration.
func (f *folder) hosts(ctx context.Context) error {
	const name = "etc/hosts"
	_, ok, err := f.entry(name)
	if err != nil {
		return err
	}
	if !ok {
		return f.write(ctx, name, []byte(plainHosts), 0o644)
	}
	return f.rewrite(ctx, name, func(old []byte) []byte {
		var kept []byte
		for line := range bytes.Lines(old) {
			if fields := bytes.Fields(line); len(fields) == 0 || string(fields[0]) != "127.0.1.1" {
				kept = append(kept, line...)
			}
		}
		return kept
	})
}

// resolvConf removes the resolver configuration of the build machine. A link is some package's
// choice and stays; without one systemd-resolved gets its link, others write the file themselves.
func (f *folder) resolvConf(ctx context.Context) error {
	const name = "etc/resolv.conf"
	e, ok, err := f.entry(name)
	if err != nil {
		return err
	}
	if ok && !e.Dir {
		info, err := f.store.FileInfo(ctx, e.File)
		if err != nil {
			return err
		}
		if info.Mode&typeMask == typeLink {
			return nil
		}
		if err := f.tree.Remove(name); err != nil {
			return err
		}
		f.stripped(name, "resolver of the build machine")
	}
	if _, ok, err = f.entry(stubResolver); err != nil || !ok {
		return err
	}
	return f.link(ctx, name, stubTarget)
}

// mtab is a link on every Debian system, but no package ships it.
func (f *folder) mtab(ctx context.Context) error {
	_, ok, err := f.entry("etc/mtab")
	if err != nil || ok {
		return err
	}
	return f.link(ctx, "etc/mtab", "../proc/self/mounts")
}

// etc moves the configuration to where libostree takes the defaults from (ostree admin deploy).
func (f *folder) etc(context.Context) error {
	if _, ok, err := f.entry("usr/etc"); err != nil {
		return err
	} else if ok { // empty, said check
		if err := f.tree.Remove("usr/etc"); err != nil {
			return err
		}
	}
	return f.move("etc", "usr/etc")
}

var _ Store = (*ostree.Writer)(nil)
