package edsp

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// Write writes the scenario, with the fields in the order in which APT writes them.
func (s *Scenario) Write(w io.Writer) error {
	out := writer{bufio.NewWriter(w)}
	s.Request.write(out)
	for _, p := range s.Packages {
		out.end()
		p.write(out)
	}
	return out.Flush()
}

func (r *Request) write(w writer) {
	w.field("Request", Protocol)
	w.field("Architecture", r.Architecture)
	w.field("Architectures", strings.Join(r.Architectures, " "))
	w.field("Machine-ID", r.MachineID)
	w.field("Remove", strings.Join(r.Remove, " "))
	w.field("Install", strings.Join(r.Install, " "))
	w.yes("Autoremove", r.Autoremove)
	w.yes("Upgrade-All", r.UpgradeAll)
	w.yes("Forbid-New-Install", r.ForbidNew)
	w.yes("Forbid-Remove", r.ForbidRemove)
	w.field("Solver", r.Solver)
	if r.AnyVersion {
		w.field("Strict-Pinning", "no")
	}
	w.field("Preferences", r.Preferences)
}

func (p *Package) write(w writer) {
	w.field("Package", p.Name)
	w.field("Architecture", p.Architecture)
	w.field("Version", p.Version.String())
	w.field("APT-ID", p.ID)
	if p.PhasedUpdate != 0 {
		w.field("Phased-Update-Percentage", fmt.Sprint(max(p.PhasedUpdate, 0)))
	}
	w.yes("Essential", p.Essential)
	w.yes("Protected", p.Protected)
	if p.MultiArch != "no" {
		w.field("Multi-Arch", p.MultiArch)
	}
	w.field("Source", p.Source)
	w.field("Source-Version", p.SourceVersion.String())
	w.field("Priority", p.Priority)
	w.field("Section", p.Section)
	w.yes("Installed", p.Installed)
	w.yes("Hold", p.Hold)
	w.lines("APT-Release", formatOrigins(p.Package))
	w.field("APT-Pin", fmt.Sprint(p.Pin))
	w.yes("APT-Candidate", p.Candidate)
	w.yes("APT-Automatic", p.Automatic)
	for _, f := range []struct {
		name   string
		groups []relation.Group
	}{
		{"Depends", p.Depends},
		{"Pre-Depends", p.PreDepends},
		{"Suggests", p.Suggests},
		{"Recommends", p.Recommends},
		{"Conflicts", p.Conflicts},
		{"Replaces", p.Replaces},
		{"Breaks", p.Breaks},
		{"Enhances", p.Enhances},
	} {
		w.field(f.name, relation.Format(f.groups))
	}
	provides := make([]string, len(p.Provides))
	for i, r := range p.Provides {
		provides[i] = r.String()
	}
	w.field("Provides", strings.Join(provides, ", "))
}

// formatOrigins writes the field APT-Release, a line for each archive.
func formatOrigins(p *apt.Package) string {
	if p.Origin == nil {
		return ""
	}
	var b strings.Builder
	for _, o := range append([]*apt.Origin{p.Origin}, p.AlsoFrom...) {
		var parts []string
		for _, part := range [][2]string{{"v", o.Version}, {"o", o.Origin}, {"a", o.Suite}, {"n", o.Codename}, {"l", o.Label}, {"c", o.Component}} {
			if part[1] != "" {
				parts = append(parts, part[0]+"="+part[1])
			}
		}
		b.WriteString("\n " + strings.Join(append(parts, "b="+p.Architecture), ","))
	}
	return b.String()
}

// writer writes fields. Its errors are those of Flush.
type writer struct{ *bufio.Writer }

// field writes a field that has a value on one line, whatever blanks it has.
func (w writer) field(name, value string) {
	if value = strings.Join(strings.Fields(value), " "); value != "" {
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
}

// lines writes a field of several lines that are indented already.
func (w writer) lines(name, value string) {
	if value != "" {
		fmt.Fprintf(w, "%s:%s\n", name, value)
	}
}

func (w writer) yes(name string, value bool) {
	if value {
		w.field(name, "yes")
	}
}

func (w writer) end() { fmt.Fprintln(w) }
