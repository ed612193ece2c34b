package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxCommand bounds how much of a command line an error shows.
const maxCommand = 120

// holder finds the process that has the lock of a file. An open file description lock does not know
// its owner, but the kernel lists it with the descriptor (proc_pid_fdinfo(5)). The result is 0 if
// the process is another user's or ended meanwhile.
func holder(path string) (pid int, command string) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, ""
	}
	descriptors, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, fd := range descriptors {
		if target, err := os.Readlink(fd); err != nil || target != path {
			continue
		}
		process := filepath.Dir(filepath.Dir(fd))
		info, err := os.ReadFile(filepath.Join(process, "fdinfo", filepath.Base(fd)))
		if err != nil || !bytes.Contains(info, []byte("\nlock:")) {
			continue // It waits for the lock like us.
		}
		if pid, err = strconv.Atoi(filepath.Base(process)); err == nil {
			return pid, commandLine(process)
		}
	}
	return 0, ""
}

// commandLine returns what a process was started as, in one line.
func commandLine(process string) string {
	data, err := os.ReadFile(filepath.Join(process, "cmdline"))
	if err != nil {
		return ""
	}
	words := strings.Fields(strings.ToValidUTF8(string(bytes.ReplaceAll(data, []byte{0}, []byte{' '})), "?"))
	if len(words) > 0 {
		words[0] = filepath.Base(words[0])
	}
	text := []rune(strings.Join(words, " "))
	if len(text) > maxCommand {
		text = append(text[:maxCommand-1], '…')
	}
	return string(text)
}
