package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// packageTuple reads name and version of a package in the status: full name, name, epoch, version,
// release, architecture.
func packageTuple(v any) (name, version string) {
	fields, ok := v.([]any)
	if !ok || len(fields) != 6 {
		return "", ""
	}
	text := func(i int) string {
		s, _ := fields[i].(string)
		return s
	}
	name, version = text(1), text(3)
	if epoch := text(2); epoch != "" && epoch != "0" {
		version = epoch + ":" + version
	}
	if release := text(4); release != "" {
		version += "-" + release
	}
	return name, version
}

// printOverrides prints packages of the base that are left out or replaced; with verbose also what was
// asked for and has no effect.
func (a *app) printOverrides(d txn.DeploymentStatus, verbose bool) {
	removed := map[string][]string{} // names by version, as one source often makes several packages
	gone := map[string]bool{}
	for _, p := range d.BaseRemovals {
		name, version := packageTuple(p)
		removed[version] = append(removed[version], name)
		gone[name] = true
	}
	var groups []string
	for _, version := range slices.Sorted(maps.Keys(removed)) {
		groups = append(groups, strings.Join(removed[version], " ")+" "+version)
	}
	a.linesField("RemovedBasePackages", groups)
	if verbose {
		a.listField("InactiveBaseRemovals", slices.DeleteFunc(slices.Clone(d.RequestedBaseRemovals), func(n string) bool { return gone[n] }))
	}
	local, replaced := replacements(d.BaseLocalReplacements)
	a.linesField("LocalOverrides", local)
	if verbose {
		a.listField("InactiveLocalOverrides", slices.DeleteFunc(slices.Clone(d.RequestedBaseLocalReplacements), func(file string) bool {
			name, _, _ := strings.Cut(file, "_")
			return replaced[name]
		}))
	}
	a.printRemoteOverrides(d, verbose)
}

// replacements prints pairs of new and old package as groups of equal versions.
func replacements(pairs []any) (lines []string, names map[string]bool) {
	names = map[string]bool{}
	groups := map[string][]string{}
	for _, pair := range pairs {
		both, ok := pair.([]any)
		if !ok || len(both) != 2 {
			continue
		}
		name, version := packageTuple(both[0])
		_, old := packageTuple(both[1])
		names[name] = true
		change := old + " -> " + version
		groups[change] = append(groups[change], name)
	}
	for _, change := range slices.Sorted(maps.Keys(groups)) {
		lines = append(lines, strings.Join(groups[change], " ")+" "+change)
	}
	slices.Sort(lines)
	return lines, names
}

func (a *app) printRemoteOverrides(d txn.DeploymentStatus, verbose bool) {
	active := map[string]bool{}
	for _, source := range slices.Sorted(maps.Keys(d.BaseRemoteReplacements)) {
		pairs, ok := d.BaseRemoteReplacements[source].([]any)
		if !ok {
			continue
		}
		lines, names := replacements(pairs)
		maps.Copy(active, names)
		a.treeField("RemoteOverrides", source, lines)
	}
	if !verbose {
		return
	}
	for _, pair := range d.RequestedBaseRemoteReplacements {
		source, ok := pair[0].(string)
		if !ok {
			continue
		}
		missing := slices.DeleteFunc(texts(pair[1]), func(n string) bool { return active[n] })
		if len(missing) > 0 {
			a.treeField("InactiveRemoteOverrides", source, missing)
		}
	}
}

// texts is a list of strings, which is one of anything after it was JSON.
func texts(v any) []string {
	switch list := v.(type) {
	case []string:
		return slices.Clone(list)
	case []any:
		var out []string
		for _, one := range list {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// linesField prints a value on each line.
func (a *app) linesField(key string, lines []string) {
	if len(lines) > 0 {
		a.field(key, strings.Join(lines, "\n"+strings.Repeat(" ", keyWidth+4)))
	}
}

// treeField prints a heading with what belongs to it below.
func (a *app) treeField(key, heading string, items []string) {
	lines := []string{heading}
	for i, item := range items {
		branch := a.glyph("├─", "|-")
		if i == len(items)-1 {
			branch = a.glyph("└─", "`-")
		}
		lines = append(lines, branch+" "+item)
	}
	a.linesField(key, lines)
}
