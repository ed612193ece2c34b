package deb

import "strings"

// Conffile is a line of the control file conffiles, deb-conffiles(5).
type Conffile struct {
	// Path is absolute, as dpkg's database says it.
	Path string
	// Remove says that an upgrade removes the file, which the package does not ship any more.
	Remove bool
}

// maxConffileName is the longest line that dpkg reads of conffiles.
const maxConffileName = 1000

// Conffiles parses the control file conffiles. Like dpkg it skips blank lines and refuses
// names that are not absolute, flags it does not know, and a last line without an end. A
// package without the file has none.
func (c Control) Conffiles() ([]Conffile, error) {
	var list []Conffile
	for line := range strings.Lines(string(c["conffiles"].Data)) {
		name, ended := strings.CutSuffix(line, "\n")
		if !ended || len(line) > maxConffileName-3 {
			return nil, malformed("conffiles: name %q is too long or lacks its line end", name)
		}
		if name = strings.TrimRight(name, " \t\v\f\r"); name == "" {
			continue
		}
		f, err := parseConffile(name)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// parseConffile parses one line: a path, or a flag and a path.
func parseConffile(line string) (Conffile, error) {
	if line[0] == '/' {
		return Conffile{Path: line}, nil
	}
	flag, path, _ := strings.Cut(line, " ")
	switch {
	case !strings.HasPrefix(path, "/"):
		return Conffile{}, malformed("conffiles: %q is not an absolute path", line)
	case flag != "remove-on-upgrade":
		return Conffile{}, malformed("conffiles: unknown flag %q of %s", flag, path)
	}
	return Conffile{Path: path, Remove: true}, nil
}
