package layout

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	tmpfilesDir    = "usr/lib/tmpfiles.d"
	tmpfilesPrefix = "apt-ostree-var-"
	tmpfilesState  = "apt-ostree-state.conf"
)

const tmpfilesHead = "# What a machine's /var needs of this image. Made by apt-ostree.\n"

// tmpfiles collects lines of tmpfiles.d(5).
type tmpfiles struct{ lines []string }

func (t *tmpfiles) add(typ, name, mode, user, group, argument string) {
	line := strings.Join([]string{typ, quoteField(name), mode, user, group}, " ")
	if argument != "" {
		line += " - " + escapeArgument(argument)
	}
	t.lines = append(t.lines, line)
}

func (t *tmpfiles) dir(name string, mode uint32, user, group string) {
	t.add("d", name, fmt.Sprintf("%04o", mode), user, group, "")
}

// file copies from the same path below /usr/share/factory.
func (t *tmpfiles) file(name string, mode uint32, user, group string) {
	t.add("C", name, fmt.Sprintf("%04o", mode), user, group, "")
}

func (t *tmpfiles) copyFrom(name, from string) {
	t.add("C", name, "-", "-", "-", from)
}

func (t *tmpfiles) link(name, target string) {
	t.add("L", name, "-", "-", "-", target)
}

// escapeArgument writes the last field, which is the rest of the line: escapes are those of C, a
// percent sign starts a specifier, spaces and quotes are themselves unless they are at an end.
func escapeArgument(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '%':
			b.WriteString("%%")
		case c < ' ' || c == '\\' || c == 0x7f, c == ' ' && (i == 0 || i == len(s)-1):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// writeTmpfiles writes the lines, if there are any, as a file of that name.
func (f *folder) writeTmpfiles(ctx context.Context, name string, t *tmpfiles) error {
	if len(t.lines) == 0 {
		return nil
	}
	slices.Sort(t.lines)
	text := tmpfilesHead + strings.Join(t.lines, "\n") + "\n"
	return f.write(ctx, path.Join(tmpfilesDir, name), []byte(text), 0o644)
}

// declared lists what packages create by themselves, with the kind of thing: 'd', 'L' or 'f'.
type declared map[string]byte

// loadDeclared reads the tmpfiles.d files of packages. One in /etc replaces that of the same name
// in /usr, as systemd-tmpfiles(8) does it.
func (f *files) loadDeclared(ctx context.Context) (declared, error) {
	paths := map[string]string{}
	for _, dir := range []string{tmpfilesDir, "etc/tmpfiles.d"} {
		list, err := f.glob(dir + "/*.conf")
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			if base := path.Base(name); !strings.HasPrefix(base, tmpfilesPrefix) && base != tmpfilesState {
				paths[base] = name
			}
		}
	}
	d := declared{}
	for _, name := range paths {
		data, _, _, err := f.read(ctx, name)
		if err != nil {
			return nil, err
		}
		d.add(string(data))
	}
	return d, nil
}

func (d declared) add(text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		kind := kindOf(fields[0][0])
		name, ok := expand(strings.Trim(fields[1], `"'`))
		if kind != 0 && ok {
			d[path.Clean(name)] = kind
		}
	}
}

// kindOf maps the type letter of a line to what it creates; zero if it creates nothing.
func kindOf(letter byte) byte {
	switch letter {
	case 'd', 'D', 'v', 'q', 'Q':
		return 'd'
	case 'L':
		return 'L'
	case 'f', 'C':
		return 'f'
	}
	return 0
}

// expand resolves the specifiers of tmpfiles.d(5) that are the same on every machine. Paths with
// others, or with escapes, are not comparable.
func expand(name string) (string, bool) {
	name = strings.NewReplacer(
		"%%", "\x00", "%C", "/var/cache", "%L", "/var/log", "%S", "/var/lib", "%T", "/tmp", "%V", "/var/tmp", "%t", "/run",
	).Replace(name)
	if strings.ContainsAny(name, `%\*?[`) {
		return "", false
	}
	return strings.ReplaceAll(name, "\x00", "%"), true
}
