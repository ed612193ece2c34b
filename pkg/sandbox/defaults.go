package sandbox

import (
	"strconv"
	"time"
)

// DefaultCapabilities returns the capabilities maintainer scripts need: to
// own, chmod and enter whatever is in the tree, to become other users, to kill
// their children, and to set file capabilities. There is no mknod, no
// sys_admin and no net_admin among them.
func DefaultCapabilities() []string {
	return []string{
		"CAP_CHOWN",
		"CAP_DAC_OVERRIDE",
		"CAP_FOWNER",
		"CAP_FSETID",
		"CAP_KILL",
		"CAP_SETGID",
		"CAP_SETUID",
		"CAP_SETPCAP",
		"CAP_SYS_CHROOT",
		"CAP_SETFCAP",
	}
}

// DefaultEnv returns the environment for maintainer scripts: debconf asks
// nothing, systemctl does not look for a manager, python writes no bytecode
// with timestamps in it, and tools that honour SOURCE_DATE_EPOCH
// (reproducible-builds.org) use epoch. There is no TERM and no proxy.
func DefaultEnv(epoch time.Time) []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive",
		"DEBCONF_NONINTERACTIVE_SEEN=true",
		"DEBCONF_NOWARNINGS=yes",
		"SOURCE_DATE_EPOCH=" + strconv.FormatInt(epoch.Unix(), 10),
		"PYTHONDONTWRITEBYTECODE=1",
		"SYSTEMD_OFFLINE=1",
	}
}
