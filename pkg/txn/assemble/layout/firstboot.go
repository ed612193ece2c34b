package layout

import (
	"context"
	"fmt"
	"path"
)

// firstBootUnit makes on each machine what strip took out of the image.
type firstBootUnit struct {
	name, what string
	tool       string // path in the tree; without it the unit is not needed
	missing    string // what the unit makes: it runs when this is not there
	command    string
	unless     string // path of a unit of the distribution that does the same
}

const firstBootWant = units + "/basic.target.wants"

func firstBootUnits() []firstBootUnit {
	return []firstBootUnit{
		{
			name: "apt-ostree-ssh-keys.service", what: "SSH host keys", tool: "usr/sbin/sshd",
			missing: "/etc/ssh/ssh_host_ed25519_key", command: "/usr/bin/ssh-keygen -A",
			unless: units + "/sshd-keygen.service",
		},
		{
			name: "apt-ostree-snakeoil.service", what: "self-signed TLS certificate of this machine", tool: "usr/sbin/make-ssl-cert",
			missing: "/etc/ssl/private/ssl-cert-snakeoil.key", command: "/usr/sbin/make-ssl-cert generate-default-snakeoil",
		},
		{
			name: "apt-ostree-rndc-key.service", what: "key that rndc talks to named with", tool: "usr/sbin/rndc-confgen",
			missing: "/etc/bind/rndc.key", command: "/usr/sbin/rndc-confgen -a -A hmac-sha256 -u bind",
		},
		{
			name: "apt-ostree-unbound-keys.service", what: "keys that unbound-control talks to unbound with", tool: "usr/sbin/unbound-control-setup",
			missing: "/etc/unbound/unbound_server.key", command: "/usr/sbin/unbound-control-setup",
		},
	}
}

// text orders the unit before basic.target, and thereby before every ordinary service.
func (u firstBootUnit) text() string {
	return fmt.Sprintf(`# Made by apt-ostree: the image has none, since every machine needs its own.
[Unit]
Description=Make the %s
ConditionPathExists=!%s
DefaultDependencies=no
Wants=local-fs.target
After=local-fs.target systemd-remount-fs.service ostree-remount.service systemd-tmpfiles-setup.service systemd-sysusers.service systemd-random-seed.service
Before=basic.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%s
`, u.what, u.missing, u.command)
}

// firstBoot adds a unit for each program in the tree whose secrets are not. Which ones is decided
// by the program, not by whether strip found something, so that a second Fold decides the same.
func (f *folder) firstBoot(ctx context.Context) error {
	for _, u := range firstBootUnits() {
		_, needed, err := f.entry(u.tool)
		if err != nil {
			return err
		}
		if u.unless != "" && needed {
			_, done, err := f.entry(u.unless)
			if err != nil {
				return err
			}
			needed = !done
		}
		if !needed {
			continue
		}
		if err := f.write(ctx, path.Join(units, u.name), []byte(u.text()), 0o644); err != nil {
			return err
		}
		if err := f.link(ctx, path.Join(firstBootWant, u.name), "../"+u.name); err != nil {
			return err
		}
	}
	return nil
}
