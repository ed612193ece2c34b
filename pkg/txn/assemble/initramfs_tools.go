package assemble

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
)

// prepareRoot mounts a deployment as the root, in the initramfs. It is from package ostree-boot.
const prepareRoot = "usr/lib/ostree/ostree-prepare-root"

const mkinitramfs = "usr/sbin/mkinitramfs"

// toolsFiles let initramfs-tools make an initramfs that mounts a deployment: ostree-boot has a module for dracut, and
// none for it. They stay in the tree, so that it can be made again there.
var toolsFiles = map[string]string{
	"usr/share/initramfs-tools/hooks/ostree": `#!/bin/sh
# Puts what mounts a deployment as the root into the initramfs.
set -e
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /` + prepareRoot + `
for conf in /usr/lib/ostree/prepare-root.conf /etc/ostree/prepare-root.conf; do
	if [ -e "$conf" ]; then copy_file config "$conf"; fi
done
`,
	// After the root file system is mounted, and before udev moves /dev there.
	"usr/share/initramfs-tools/scripts/local-bottom/ostree": `#!/bin/sh
# Makes the deployment that the kernel argument ostree= names the root.
[ "$1" != prereqs ] || exit 0
for arg in $(cat /proc/cmdline); do
	case "$arg" in
	ostree=*)
		. /scripts/functions
		/` + prepareRoot + ` "${rootmnt:?}" || panic "cannot mount the deployment $arg"
		;;
	esac
done
`,
}

// initramfsTools reports whether the tree makes its initramfs with initramfs-tools: when it has that and no dracut,
// each of which conflicts with the other in Debian.
func (b *builder) initramfsTools() (bool, error) {
	for name, want := range map[string]bool{"usr/bin/dracut": false, mkinitramfs: true} {
		if has, err := b.exists(name); err != nil || has != want {
			return false, err
		}
	}
	return true, nil
}

// mkinitramfsCommand is how initramfs-tools is run, if the tree has what that takes, which it gets the rest of. It
// honours SOURCE_DATE_EPOCH, and takes what most machines need unless the tree's configuration says otherwise.
func (b *builder) mkinitramfsCommand(kernel string) ([]string, error) {
	has, err := b.exists(prepareRoot)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, errors.New("initramfs: no /" + prepareRoot + " in the tree: add the package ostree-boot, or ask for no initramfs")
	}
	err = b.inRoot(func(root *os.Root) error {
		for name, text := range toolsFiles {
			if err := writeMissing(root, name, []byte(text)); err != nil {
				return err
			}
		}
		return nil
	})
	argv := append([]string{"mkinitramfs"}, b.in.InitramfsArgs...)
	return append(argv, "-o", "/"+initramfsPath(kernel), kernel), err
}

// writeMissing writes a program unless it is there already with the same content.
func writeMissing(root *os.Root, name string, text []byte) error {
	have, err := root.ReadFile(name)
	if err == nil && bytes.Equal(have, text) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return replaceFile(root, name, text, 0o755)
}
