package layout

import (
	"context"
	"path"
)

// aptGuardFile keeps apt on a booted machine from trying what it cannot do.
const aptGuardFile = "etc/apt/apt.conf.d/99apt-ostree"

// A value of apt.conf(5) can hold neither double quotes nor backslashes.
const aptGuard = `// The system is an image: packages change with apt-ostree, not with apt. Made by apt-ostree.
APT::Periodic::Enable "0";
DPkg::Pre-Invoke {
  "if [ -e /run/ostree-booted ]; then echo 'This system is an OSTree image: use apt-ostree install, uninstall or upgrade.' >&2; exit 1; fi";
};
`

// aptTimers would change packages, or copy dpkg's database to /var/backups, behind our back.
func aptTimers() []string {
	return []string{
		"apt-daily.timer",
		"apt-daily-upgrade.timer",
		"dpkg-db-backup.timer",
		"unattended-upgrades.service",
	}
}

const (
	units       = "usr/lib/systemd/system"
	dropIn      = "50-apt-ostree.conf"
	notOnOstree = "[Unit]\n# Made by apt-ostree: packages come with the image.\nConditionPathExists=!/run/ostree-booted\n"
)

// guard turns off apt's own upgrades. The condition, in place of a mask, leaves /etc alone and the
// units alive in a container made of the same tree.
func (f *folder) guard(ctx context.Context) error {
	ok, err := f.isDir(path.Dir(aptGuardFile))
	if err != nil {
		return err
	}
	if ok {
		if err := f.write(ctx, aptGuardFile, []byte(aptGuard), 0o644); err != nil {
			return err
		}
	}
	for _, unit := range aptTimers() {
		_, ok, err := f.entry(path.Join(units, unit))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := f.write(ctx, path.Join(units, unit+".d", dropIn), []byte(notOnOstree), 0o644); err != nil {
			return err
		}
	}
	return nil
}
