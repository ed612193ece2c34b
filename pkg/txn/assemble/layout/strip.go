package layout

import (
	"bytes"
	"context"
	"path"
	"strings"
)

// stripRule removes what must not be shared by every machine that boots the commit.
type stripRule struct {
	pattern string // of files.glob
	why     string
	unowned bool // only what no package ships
	quiet   bool // not worth a line in the report: every build has it
}

// stripRules is what maintainer scripts of Debian 12 and 13, and the tools that build a system, were
// seen to leave behind.
func stripRules() []stripRule {
	const (
		secret   = "secret made by a maintainer script; every machine needs its own"
		identity = "identity of one machine"
		data     = "database content is never part of an image"
		cache    = "cache"
		backup   = "backup of a file that is in the image"
		build    = "left by the build"
	)
	return []stripRule{
		// Secrets. Those with a unit in firstBootUnits are made again at first boot.
		{pattern: "etc/ssh/ssh_host_*", why: secret + " (ssh-keygen -A)"},
		{pattern: "etc/ssl/private/ssl-cert-snakeoil.key", why: secret + " (make-ssl-cert)"},
		{pattern: "etc/ssl/certs/ssl-cert-snakeoil.pem", why: "certificate of the key above"},
		{pattern: "etc/bind/rndc.key", why: secret + " (rndc-confgen -a)"},
		{pattern: "etc/unbound/unbound_*.key", why: secret + " (unbound-control-setup)"},
		{pattern: "etc/unbound/unbound_*.pem", why: "certificate of such a key"},
		{pattern: "etc/chrony/chrony.keys", why: secret, unowned: true},
		{pattern: "etc/mysql/debian.cnf", why: secret, unowned: true},
		{pattern: "etc/libvirt/secrets/*", why: secret},
		{pattern: "var/lib/libvirt/secrets/*", why: secret},
		{pattern: "var/lib/samba/private/*", why: secret + " (smbd)"},
		{pattern: "var/lib/sss/secrets/*", why: secret},
		{pattern: "var/lib/NetworkManager/secret_key", why: secret},
		{pattern: "var/lib/systemd/random-seed", why: secret},
		{pattern: "var/lib/systemd/credential.secret", why: secret},
		{pattern: "var/cache/debconf/passwords.dat*", why: "passwords given to debconf", quiet: true},
		{pattern: "root/.gnupg", why: secret},
		{pattern: "root/.bash_history", why: build},
		{pattern: "root/.cache", why: build},
		{pattern: "root/.rnd", why: build},
		{pattern: "root/.wget-hsts", why: build},

		// Identity.
		{pattern: "etc/hostname", why: identity},
		{pattern: "etc/mailname", why: identity},
		{pattern: "etc/adjtime", why: identity},
		{pattern: "etc/hostid", why: identity},
		{pattern: "etc/iscsi/initiatorname.iscsi", why: identity},
		{pattern: "etc/nvme/hostnqn", why: identity},
		{pattern: "etc/nvme/hostid", why: identity},
		{pattern: "etc/popularity-contest.conf", why: identity + " (the host id in it)"},
		{pattern: "etc/udev/rules.d/70-persistent-*", why: identity},
		{pattern: "etc/lvm/archive/*", why: identity},
		{pattern: "etc/lvm/backup/*", why: identity},
		{pattern: "etc/lvm/devices/*", why: identity},
		{pattern: "var/lib/dhcp/*.leases", why: identity},
		{pattern: "var/lib/snmp/snmpd.conf", why: identity},
		{pattern: "var/lib/systemd/timers/*", why: identity, quiet: true},
		{pattern: "var/lib/systemd/timesync/*", why: identity, quiet: true},

		// Databases.
		{pattern: "etc/postgresql/*/*", why: data + " (pg_createcluster VERSION main makes a new cluster)"},
		{pattern: "var/lib/postgresql/*/*", why: data},
		{pattern: "var/lib/mysql/*", why: data + " (mariadb-install-db makes a new one)"},
		{pattern: "etc/ldap/slapd.d", why: data + " (dpkg-reconfigure slapd cannot run on the machine: use slapadd)"},
		{pattern: "var/lib/ldap/*", why: data},

		// Caches, which the files' rule of the var pass would keep as empty directories.
		{pattern: "var/cache/man/*", why: cache, quiet: true},
		{pattern: "var/cache/fontconfig/*", why: cache, quiet: true},
		{pattern: "var/cache/ldconfig/*", why: cache, quiet: true},
		{pattern: "var/lib/apt/lists/*_*", why: cache, quiet: true},
		{pattern: "var/lib/apt/lists/partial/*", why: cache, quiet: true},
		{pattern: "var/lib/apt/lists/lock", why: "lock", quiet: true},
		{pattern: "var/tmp/*", why: build, quiet: true},
		{pattern: "var/backups/*", why: backup, quiet: true},

		// Backups, locks and rotations.
		{pattern: "etc/passwd-", why: backup, quiet: true},
		{pattern: "etc/group-", why: backup, quiet: true},
		{pattern: "etc/shadow-", why: backup, quiet: true},
		{pattern: "etc/gshadow-", why: backup, quiet: true},
		{pattern: "etc/subuid-", why: backup, quiet: true},
		{pattern: "etc/subgid-", why: backup, quiet: true},
		{pattern: "etc/xml/*.old", why: backup, quiet: true},
		{pattern: "etc/sgml/*.old", why: backup, quiet: true},
		{pattern: "var/lib/sgml-base/*.old", why: backup, quiet: true},
		{pattern: "var/lib/xml-core/*.old", why: backup, quiet: true},
		{pattern: "var/lib/ucf/hashfile.[0-9]*", why: backup, quiet: true},
		{pattern: "var/lib/ucf/registry.[0-9]*", why: backup, quiet: true},
		{pattern: "var/cache/debconf/*.dat-old", why: backup, quiet: true},
		{pattern: "var/lib/dpkg/*-old", why: backup, quiet: true},
		{pattern: "var/lib/dpkg/lock*", why: "lock", quiet: true},
		{pattern: "var/lib/dpkg/triggers/Lock", why: "lock", quiet: true},
		{pattern: "var/lib/dpkg/tmp.ci", why: build, quiet: true},
		{pattern: "var/lib/dpkg/reassemble.deb", why: build, quiet: true},
		{pattern: "etc/.pwd.lock", why: "lock", quiet: true},
		{pattern: "etc/.updated", why: build, quiet: true},
		{pattern: "var/.updated", why: build, quiet: true},

		// The build's own traces.
		{pattern: "usr/sbin/policy-rc.d", why: build, unowned: true},
		{pattern: ".dockerenv", why: build},
		{pattern: "lost+found", why: build},
		{pattern: "tmp/*", why: build, quiet: true},
		{pattern: "run/*", why: build, quiet: true},
		{pattern: "dev/*", why: build, quiet: true},
		{pattern: "proc/*", why: build, quiet: true},
		{pattern: "sys/*", why: build, quiet: true},
	}
}

// strip applies the rules, then those that need a look at the content.
func (f *folder) strip(ctx context.Context) error {
	for _, rule := range stripRules() {
		found, err := f.glob(rule.pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			if rule.unowned && f.owners[name] != "" {
				continue
			}
			if err := f.tree.Remove(name); err != nil {
				return err
			}
			if !rule.quiet {
				f.stripped(name, rule.why)
			}
		}
	}
	if err := f.stripSnakeoilLinks(ctx); err != nil {
		return err
	}
	return f.stripFstab(ctx)
}

// stripSnakeoilLinks removes the links by hash that c_rehash made to the certificate.
func (f *folder) stripSnakeoilLinks(ctx context.Context) error {
	const dir = "etc/ssl/certs"
	list, err := f.children(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		name := path.Join(dir, e.Name)
		target, ok, err := f.target(ctx, name)
		if err != nil {
			return err
		}
		if !ok || path.Base(target) != "ssl-cert-snakeoil.pem" {
			continue
		}
		if err := f.tree.Remove(name); err != nil {
			return err
		}
		f.stripped(name, "link to the certificate above")
	}
	return nil
}

// stripFstab removes an fstab that mounts nothing, such as the one debootstrap writes to say so.
// One with entries is somebody's configuration.
func (f *folder) stripFstab(ctx context.Context) error {
	data, _, ok, err := f.read(ctx, "etc/fstab")
	if err != nil || !ok {
		return err
	}
	for line := range bytes.Lines(data) {
		if s := strings.TrimSpace(string(line)); s != "" && !strings.HasPrefix(s, "#") {
			return nil
		}
	}
	f.stripped("etc/fstab", "has no entries")
	return f.tree.Remove("etc/fstab")
}
