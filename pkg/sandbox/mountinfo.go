package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// mountPoints lists where something is mounted in this mount namespace, in the
// order of mounting (proc_pid_mountinfo(5)).
func mountPoints() ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(data)) {
		const mountPoint = 4
		if fields := strings.Fields(line); len(fields) > mountPoint {
			points = append(points, fsx.UnescapeMount(fields[mountPoint]))
		}
	}
	return points, nil
}

// findHolders lists the processes whose working directory, root or open files
// are on the file system mounted at target. Processes that end meanwhile, or
// that we may not look at, are left out.
func findHolders(target string) []Holder {
	var st unix.Stat_t
	if unix.Stat(target, &st) != nil {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var holders []Holder
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !holds(pid, st.Dev) {
			continue
		}
		comm, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "comm"))
		if err != nil {
			continue
		}
		holders = append(holders, Holder{PID: pid, Command: strings.TrimSpace(string(comm))})
	}
	return holders
}

func holds(pid int, dev uint64) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	links := []string{filepath.Join(dir, "cwd"), filepath.Join(dir, "root")}
	if fds, err := os.ReadDir(filepath.Join(dir, "fd")); err == nil {
		for _, fd := range fds {
			links = append(links, filepath.Join(dir, "fd", fd.Name()))
		}
	}
	for _, link := range links {
		var st unix.Stat_t
		if unix.Stat(link, &st) == nil && st.Dev == dev {
			return true
		}
	}
	return false
}
