package oci

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// DefaultMaxLayers is half of what container runtimes permit, so that builds can
// add their own.
const DefaultMaxLayers = 64

// A Component is something whose files change together, such as a package.
type Component struct {
	// Name is what Owner of [ExportOptions] returns. It must not have a comma.
	Name string
	// Source groups components that are made, and so change, at the same time: those
	// of a source package. Empty means Name.
	Source string
	// Changes is how often it changes, in a year.
	Changes int
}

// Unowned is the component of files that Owner knows nothing of. They change with
// every build.
const Unowned = "unpackaged"

// alwaysChanges is the number of changes of what each build makes anew.
const alwaysChanges = 1 << 10

// A Division lists the components of each layer of an image but the first.
type Division [][]string

// group is what is never divided among layers: the components of one source.
type group struct {
	source  string
	names   []string
	files   []*content
	size    int64
	changes int
}

// chunk is a layer of file objects.
type chunk struct {
	names []string // of components, sorted
	files []*content
	size  int64
}

// title describes a chunk to people.
func (c chunk) title() string {
	switch n := len(c.names); {
	case n == 0:
		return "reserved for new packages"
	case n <= 5:
		return strings.Join(c.names, " and ")
	default:
		return fmt.Sprintf("%d components", n)
	}
}

// chunks divides the files of a commit into at most limit layers.
func chunks(all *contents, opts *ExportOptions, limit int) []chunk {
	groups := groupFiles(all, opts)
	var bins [][]*group
	switch {
	case len(opts.Previous) > 0 && len(opts.Previous) <= limit:
		bins = keepBins(groups, opts.Previous, limit)
	default:
		bins = pack(groups, limit)
	}
	out := make([]chunk, len(bins))
	for i, bin := range bins {
		for _, g := range bin {
			out[i].names = append(out[i].names, g.names...)
			out[i].files = append(out[i].files, g.files...)
			out[i].size += g.size
		}
		slices.Sort(out[i].names)
		slices.SortFunc(out[i].files, func(a, b *content) int { return cmp.Compare(a.paths[0], b.paths[0]) })
	}
	return out
}

// groupFiles finds the owners of all files. A file object that several components
// have belongs to the one of its first path.
func groupFiles(all *contents, opts *ExportOptions) []*group {
	known := make(map[string]Component)
	for _, c := range opts.Components {
		known[c.Name] = c
	}
	groups := make(map[string]*group)
	for _, f := range all.files {
		name := Unowned
		if opts.Owner != nil {
			name = cmp.Or(opts.Owner(f.paths[0]), Unowned)
		}
		c, ok := known[name]
		if !ok {
			c = Component{Name: name, Changes: alwaysChanges}
		}
		source := cmp.Or(c.Source, c.Name)
		g := groups[source]
		if g == nil {
			g = &group{source: source}
			groups[source] = g
		}
		if !slices.Contains(g.names, name) {
			g.names = append(g.names, name)
		}
		g.files = append(g.files, f)
		g.size += f.info.Size
		g.changes = max(g.changes, c.Changes)
	}
	out := make([]*group, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return cmp.Compare(a.source, b.source) })
	return out
}

// pack puts groups into bins. When there are more groups than bins, those that cost
// clients most have a bin of their own: a large one that is fetched again because a
// small one changed is what chunks avoid. The rest share the other bins, like with
// like: what rarely changes is not fetched for the sake of what often does.
func pack(groups []*group, limit int) [][]*group {
	if len(groups) <= limit {
		bins := make([][]*group, len(groups))
		for i, g := range groups {
			bins[i] = []*group{g}
		}
		return bins
	}
	bySize := slices.Clone(groups)
	slices.SortStableFunc(bySize, func(a, b *group) int { return cmp.Compare(b.size, a.size) })
	shared := max(1, limit/3)
	alone := limit - shared
	bins := make([][]*group, 0, limit)
	for _, g := range bySize[:alone] {
		bins = append(bins, []*group{g})
	}
	rest := bySize[alone:]
	slices.SortStableFunc(rest, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.changes, b.changes), cmp.Compare(a.source, b.source))
	})
	return append(bins, divide(rest, shared)...)
}

// divide cuts a list into n parts of about the same size, none of them empty.
func divide(list []*group, n int) [][]*group {
	var left int64
	for _, g := range list {
		left += g.size
	}
	var parts [][]*group
	for ; n > 1; n-- {
		take, size := 1, list[0].size
		for take < len(list)-(n-1) && (size+list[take].size/2)*int64(n) <= left {
			size += list[take].size
			take++
		}
		parts = append(parts, list[:take])
		list, left = list[take:], left-size
	}
	return append(parts, list)
}

// keepBins groups as the previous image does, so that layers whose components did
// not change keep their digests. What is new comes last.
func keepBins(groups []*group, previous Division, limit int) [][]*group {
	at := make(map[string]int)
	for i, names := range previous {
		for _, name := range names {
			at[name] = i
		}
	}
	bins := make([][]*group, len(previous))
	var fresh []*group
	for _, g := range groups {
		i, ok := binOf(g, at)
		if !ok {
			fresh = append(fresh, g)
			continue
		}
		bins[i] = append(bins[i], g)
	}
	bins = slices.DeleteFunc(bins, func(b []*group) bool { return len(b) == 0 })
	switch {
	case len(fresh) == 0:
	case len(bins) < limit:
		bins = append(bins, fresh)
	default:
		bins[len(bins)-1] = append(bins[len(bins)-1], fresh...)
	}
	return bins
}

// binOf finds where a group was before: its first component that was somewhere counts.
func binOf(g *group, at map[string]int) (int, bool) {
	for _, name := range g.names {
		if i, ok := at[name]; ok {
			return i, true
		}
	}
	return 0, false
}
