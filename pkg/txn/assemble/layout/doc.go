// Package layout translates between the two shapes a Debian system has in this project: the plain
// tree that dpkg and maintainer scripts work in, and the tree of an OSTree commit.
//
// The plain tree is what debootstrap or mmdebstrap would leave: /etc, /var, /root, /opt and /boot
// are ordinary directories. In a commit everything lives below /usr, /var is empty, and the rest of
// the top level is links. [Fold] makes a commit's tree out of a plain one, [Unfold] a plain one out
// of a commit's. Both are algebra on an [ostree.Tree]: directories move by their checksums, only
// small generated files are written, and nothing of the machine that runs them is looked at, users
// and groups included (they are those of the tree's own /etc/passwd and /etc/group).
//
// # Where things go
//
//	/etc                          usr/etc
//	/boot/{vmlinuz,config,…}-K    usr/lib/modules/K/{vmlinuz,config,System.map}
//	/usr/lib/linux-image-K        also usr/lib/modules/K/dtb: device trees
//	/var/lib/dpkg and the like    usr/lib/sysimage/… (see [States])
//	the rest of /var              usr/share/factory/var, as a whole, recreated on a machine by
//	                              usr/lib/tmpfiles.d/apt-ostree-var-PACKAGE.conf
//	/root /home /srv /mnt         var/roothome var/home var/srv var/mnt, then as /var
//	/usr/local                    var/usrlocal, then as /var
//	/opt/X                        usr/lib/opt/X, with var/opt/X linking to it
//
// Secrets, machine identity, logs and caches are removed and listed in the [Report]; files whose
// order depends on the order of installation are sorted; ids of system users and groups are pinned
// by usr/lib/sysusers.d/00-apt-ostree.conf. Units in usr/lib/systemd/system/apt-ostree-*.service
// make the stripped keys again at first boot, apt's own timers rest on a machine that was booted
// from a commit, and apt refuses to change packages there.
//
// # Promises
//
// For every tree x that Fold made, Fold(Unfold(x)) is x again, byte for byte. Fold depends on the
// tree and its options only: there is no clock and no randomness in it. If either returns an error
// the tree is half done and must be thrown away.
//
// Unfold leaves the kernel in usr/lib/modules, since no script of another package looks for it in
// /boot and a kernel package that is replaced brings its own. Until then `dpkg -V` reports the
// three /boot files of the linux-image package as missing. In a folded tree it reports
// /etc/adduser.conf and /etc/default/useradd as changed as well (new homes are in /var/home), which
// Unfold takes back. There is nothing else for it to find.
//
// The functions are not safe for concurrent use on one tree.
package layout
