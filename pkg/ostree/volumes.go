package ostree

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Volumes lists where volumes are mounted that a user has put into the machine:
// what lies below /media, /run/media and /mnt and is a file system on a device.
func Volumes() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	defer f.Close()
	return parseVolumes(f)
}

// parseVolumes reads the format of proc_pid_mountinfo(5).
func parseVolumes(r io.Reader) ([]string, error) {
	var volumes []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
		before, after, ok := strings.Cut(lines.Text(), " - ")
		mount, device := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(device) < 2 || !strings.HasPrefix(device[1], "/dev/") {
			continue
		}
		path := fsx.UnescapeMount(mount[4])
		if isVolume(path) && !slices.Contains(volumes, path) {
			volumes = append(volumes, path)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	return volumes, nil
}

func isVolume(path string) bool {
	for _, top := range []string{"/media/", "/run/media/", "/mnt/"} {
		if strings.HasPrefix(path, top) {
			return true
		}
	}
	return path == "/mnt"
}
