package layout

import (
	"context"
	"path"
)

// State is something in /var that describes the packages of the image and therefore travels with
// it, below /usr/lib/sysimage.
type State struct {
	// Path is where Debian has it, without the slash in front.
	Path string
	// Name is the path below usr/lib/sysimage.
	Name string
	// Host says what a booted machine finds at Path.
	Host HostState
	// Why says who uses it, and what is lost without it.
	Why string
}

// HostState is what a booted machine finds where a [State] was.
type HostState int

const (
	// HostNothing is nothing: only scripts of packages use the state, and none runs on a machine, or
	// the program makes a new one.
	HostNothing HostState = iota
	// HostLink is a link to the image's state: read-only, it follows the deployment. It is also what
	// dpkg -V wants to see where a package ships the directory.
	HostLink
	// HostCopy is a copy made once: an administrator's tool writes it.
	HostCopy
)

const sysimage = "usr/lib/sysimage"

// States lists the state that moves, in the order in which it does.
func States() []State {
	const (
		dsh     = "deb-systemd-helper: without it purge leaves links, and an upgrade enables again what was disabled"
		trigger = "rebuilt by a trigger from what scripts registered in it"
	)
	return []State{
		{"var/lib/dpkg", "dpkg", HostLink, "dpkg: everything; dpkg -l, -S, -V and apt list read it on the machine"},
		{"var/lib/apt/extended_states", "apt/extended_states", HostLink, "apt: which packages are installed automatically; apt-mark showmanual"},
		{"var/cache/debconf/config.dat", "debconf/config.dat", HostNothing, "debconf: answers; on the machine it must be able to write its own"},
		{"var/cache/debconf/templates.dat", "debconf/templates.dat", HostNothing, "debconf: questions"},
		{"var/lib/ucf", "ucf", HostLink, "ucf: without it every file it installed looks edited by the user"},
		{"var/lib/pam", "pam", HostCopy, "pam-auth-update: without it /etc/pam.d/common-* are written from scratch; administrators run it"},
		{"var/lib/systemd/deb-systemd-helper-enabled", "deb-systemd-helper/enabled", HostNothing, dsh},
		{"var/lib/systemd/deb-systemd-helper-masked", "deb-systemd-helper/masked", HostNothing, dsh},
		{"var/lib/systemd/deb-systemd-user-helper-enabled", "deb-systemd-helper/user-enabled", HostNothing, dsh},
		{"var/lib/systemd/deb-systemd-user-helper-masked", "deb-systemd-helper/user-masked", HostNothing, dsh},
		{"var/lib/systemd/catalog/database", "systemd/catalog-database", HostLink, "journalctl -x: made from /usr/lib/systemd/catalog by a trigger"},
		{"var/lib/sgml-base", "sgml-base", HostLink, trigger},
		{"var/lib/xml-core", "xml-core", HostLink, trigger},
		{"var/lib/shells.state", "shells.state", HostNothing, "update-shells: which shells of /etc/shells came from packages"},
		{"var/lib/python", "python", HostNothing, "py3compile: versions installed; without it a postinst fails"},
		{"var/lib/php/modules", "php/modules", HostCopy, "phpquery, phpenmod: which modules packages and the administrator enabled"},
		{"var/lib/apache2", "apache2", HostCopy, "a2enmod, a2query: who enabled what"},
		{"var/lib/dictionaries-common", "dictionaries-common", HostLink, trigger},
		{"var/lib/ispell", "ispell", HostLink, trigger + "; ispell reads the hashes"},
		{"var/lib/aspell", "aspell", HostLink, trigger + "; aspell reads the word lists"},
		{"var/lib/emacsen-common", "emacsen-common", HostLink, "emacs-package-install: which packages compiled what"},
		{"var/lib/texmf", "texmf", HostLink, trigger + "; TeX reads formats and ls-R"},
		{"var/lib/ghostscript", "ghostscript", HostLink, trigger + "; gs reads the font maps"},
		{"var/lib/belocs", "belocs", HostLink, "locale-gen"},
		{"var/lib/binfmts", "binfmts", HostLink, "update-binfmts: read at boot to register interpreters"},
		{"var/lib/doc-base", "doc-base", HostLink, "install-docs"},
		{"var/lib/dkms", "dkms", HostLink, "dkms: module sources and what was built; dkms status"},
	}
}

// state moves the package managers' state below /usr.
func (f *folder) state(ctx context.Context) error {
	var lines tmpfiles
	for _, s := range States() {
		to := path.Join(sysimage, s.Name)
		if err := f.absent(to, s.Path); err != nil {
			return err
		}
		_, ok, err := f.entry(s.Path)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := f.move(s.Path, to); err != nil {
			return err
		}
		switch s.Host {
		case HostLink:
			lines.link("/"+s.Path, relative(s.Path, to))
		case HostCopy:
			lines.copyFrom("/"+s.Path, "/"+to)
		case HostNothing:
		}
	}
	return f.writeTmpfiles(ctx, tmpfilesState, &lines)
}

// unfoldState moves the state back.
func (f *files) unfoldState() error {
	for _, s := range States() {
		from := path.Join(sysimage, s.Name)
		_, ok, err := f.entry(from)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := f.move(from, s.Path); err != nil {
			return err
		}
		if err := f.removeEmpty(path.Dir(from)); err != nil {
			return err
		}
	}
	return nil
}
