package live

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// unitDir has the units of packages.
const unitDir = "usr/lib/systemd/system"

// Services lists the services of a tree, by name, whose unit or program is among the changed paths: what
// runs of them is not what is installed. New services are not among them.
func Services(before, after fs.FS, changed []string) ([]string, error) {
	entries, err := fs.ReadDir(after, unitDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	is := make(map[string]bool, len(changed))
	for _, p := range changed {
		is[p] = true
	}
	var names []string
	for _, e := range entries {
		unit := path.Join(unitDir, e.Name())
		if !strings.HasSuffix(e.Name(), ".service") || !e.Type().IsRegular() {
			continue
		}
		if _, err := fs.Stat(before, unit); err != nil {
			continue
		}
		text, err := fs.ReadFile(after, unit)
		if err != nil {
			return nil, err
		}
		if is[unit] || slices.ContainsFunc(programs(text), func(p string) bool { return is[p] }) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// programs are what a unit starts, without the slash in front and with the merge of /usr made good.
func programs(unit []byte) []string {
	var out []string
	lines := bufio.NewScanner(bytes.NewReader(unit))
	for lines.Scan() {
		command, ok := strings.CutPrefix(lines.Text(), "ExecStart=")
		if !ok {
			continue
		}
		program, _, _ := strings.Cut(strings.TrimLeft(command, "@-:+!"), " ")
		program = strings.TrimPrefix(program, "/")
		if !strings.HasPrefix(program, "usr/") {
			program = "usr/" + program
		}
		out = append(out, program)
	}
	return out
}
