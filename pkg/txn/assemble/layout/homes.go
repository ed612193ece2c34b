package layout

import (
	"bytes"
	"context"
	"path"
)

// homeEdit appends settings to a configuration file, in a block that can be cut out again without
// a trace, so that dpkg sees its own conffile when a layer upgrades the package.
type homeEdit struct{ file, settings string }

const homeMark = "\n# Added by apt-ostree: /home is a link to /var/home.\n"

func homeEdits() []homeEdit {
	return []homeEdit{
		{"etc/adduser.conf", "DHOME=/var/home\n"},
		{"etc/default/useradd", "HOME=/var/home\n"},
	}
}

func (h homeEdit) block() []byte { return []byte(homeMark + h.settings) }

func (h homeEdit) apply(data []byte) []byte {
	return append(h.revert(data), h.block()...)
}

func (h homeEdit) revert(data []byte) []byte {
	return bytes.Clone(bytes.TrimSuffix(data, h.block()))
}

// apparmorHomes is a directory of additions to AppArmor's idea of where homes are. Profiles see
// paths without links, so without one a confined program cannot read its user's files.
const (
	apparmorHomes = "etc/apparmor.d/tunables/home.d"
	apparmorFile  = apparmorHomes + "/apt-ostree"
	apparmorText  = "# Made by apt-ostree: /home is a link to /var/home.\n@{HOMEDIRS}+=/var/home/\n"
)

// homes tells the programs that care that homes are in /var/home.
func (f *folder) homes(ctx context.Context) error {
	for _, h := range homeEdits() {
		if err := f.rewrite(ctx, h.file, h.apply); err != nil {
			return err
		}
	}
	ok, err := f.isDir(path.Dir(apparmorFile))
	if err != nil || !ok {
		return err
	}
	return f.write(ctx, apparmorFile, []byte(apparmorText), 0o644)
}

func (f *files) unfoldHomes(ctx context.Context) error {
	for _, h := range homeEdits() {
		if err := f.rewrite(ctx, h.file, h.revert); err != nil {
			return err
		}
	}
	return nil
}
