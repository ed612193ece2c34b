package systemd

import (
	"os"
	"path"
	"strings"
)

// OwnUnit names the unit that the process runs in, "" if it is none, from the control groups that
// systemd makes.
func OwnUnit() string {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "" // no such file system, so no systemd
	}
	return UnitOf(string(text))
}

// UnitOf reads the content of a file /proc/PID/cgroup. The unified hierarchy counts, then systemd's own.
func UnitOf(text string) string {
	found := ""
	for line := range strings.Lines(text) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controller, group, _ := strings.Cut(rest, ":")
		if controller != "" && controller != "name=systemd" {
			continue
		}
		for ; group != "/" && group != "." && group != ""; group = path.Dir(group) {
			name := path.Base(group)
			if strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".scope") {
				found = name
				break
			}
		}
		if controller == "" && found != "" {
			return found
		}
	}
	return found
}
