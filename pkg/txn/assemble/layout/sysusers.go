package layout

import (
	"context"
	"fmt"
	"strings"
)

// sysusersFile sorts before those of packages: where two name the same user, sysusers.d(5) takes
// the first, and theirs have no ids.
const sysusersFile = "usr/lib/sysusers.d/00-apt-ostree.conf"

const sysusersHead = `# Users and groups of this image with the ids that its files belong to. Made by apt-ostree.
# A machine whose /etc/passwd was edited keeps its own file; systemd-sysusers adds what is missing.
`

// sysusers writes a sysusers.d(5) file with every system user, group and membership.
func (f *folder) sysusers(ctx context.Context) error {
	var b strings.Builder
	b.WriteString(sysusersHead)
	for _, g := range f.names.groups {
		if !systemID(g.gid) {
			f.warn("group %s (%d) is not a system group: a machine with an edited /etc/group will not get it", g.name, g.gid)
			continue
		}
		fmt.Fprintf(&b, "g %s %d\n", quoteField(g.name), g.gid)
	}
	for _, u := range f.names.users {
		if !systemID(u.uid) {
			f.warn("user %s (%d) is not a system user: a machine with an edited /etc/passwd will not get it", u.name, u.uid)
			continue
		}
		fmt.Fprintf(&b, "u %s %d:%s %s %s %s\n", quoteField(u.name), u.uid, f.names.group(u.gid),
			quoteField(u.gecos), quoteField(u.home), quoteField(u.shell))
	}
	for _, g := range f.names.groups {
		for _, m := range g.members {
			if f.systemMember(g, m) {
				fmt.Fprintf(&b, "m %s %s\n", quoteField(m), quoteField(g.name))
			}
		}
	}
	return f.write(ctx, sysusersFile, []byte(b.String()), 0o644)
}

// systemMember tells whether both ends of a membership were written above.
func (f *folder) systemMember(g group, member string) bool {
	if !systemID(g.gid) {
		return false
	}
	for _, u := range f.names.users {
		if u.name == member {
			return systemID(u.uid)
		}
	}
	return false
}

// quoteField writes a field of a sysusers.d or tmpfiles.d line: empty is "-", a percent sign is doubled since it
// starts a specifier, and a field that would end early is put in double quotes, in which a backslash
// protects a quote and itself. (The manuals promise the escapes of C as well, but systemd 252 takes
// them in the last field of tmpfiles.d only.)
func quoteField(s string) string {
	switch s {
	case "":
		return "-"
	case "-":
		return `"-"`
	}
	s = strings.ReplaceAll(s, "%", "%%")
	if !strings.ContainsAny(s, " \t\"'\\") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
