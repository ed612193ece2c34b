package source

import (
	"fmt"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// Format writes sources as the content of a .sources file. Reading it gives the same sources, apart
// from where they were read and from unknown options.
func Format(sources []Source) []byte {
	var b strings.Builder
	for i, s := range sources {
		if i > 0 {
			b.WriteByte('\n')
		}
		s.format(&b)
	}
	return []byte(b.String())
}

func (s Source) format(b *strings.Builder) {
	list := func(name string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(b, "%s: %s\n", name, strings.Join(values, " "))
		}
	}
	flag := func(name string, value *bool) {
		if value != nil {
			fmt.Fprintf(b, "%s: %s\n", name, map[bool]string{true: "yes", false: "no"}[*value])
		}
	}
	seconds := func(name string, value *time.Duration) {
		if value != nil {
			fmt.Fprintf(b, "%s: %d\n", name, int64(*value/time.Second))
		}
	}
	if s.Disabled {
		b.WriteString("Enabled: no\n")
	}
	types := s.Types
	if len(types) == 0 {
		types = []string{"deb"}
	}
	list("Types", types)
	list("URIs", s.URIs)
	list("Suites", s.Suites)
	list("Components", s.Components)
	list("Architectures", s.Architectures)
	list("Architectures-Add", s.ArchitecturesAdd)
	list("Architectures-Remove", s.ArchitecturesRemove)
	list("Include", s.Include)
	list("Exclude", s.Exclude)
	flag("Trusted", s.Trusted)
	flag("Check-Valid-Until", s.CheckValidUntil)
	flag("Check-Date", s.CheckDate)
	seconds("Valid-Until-Min", s.ValidUntilMin)
	seconds("Valid-Until-Max", s.ValidUntilMax)
	seconds("Date-Max-Future", s.DateMaxFuture)
	flag("Allow-Insecure", s.AllowInsecure)
	flag("Allow-Weak", s.AllowWeak)
	flag("Allow-Downgrade-To-Insecure", s.AllowDowngradeToInsecure)
	if s.ByHash != "" {
		list("By-Hash", []string{string(s.ByHash)})
	}
	if s.Snapshot != "" {
		list("Snapshot", []string{s.Snapshot})
	}
	if s.SignedBy.Key != "" {
		fmt.Fprintf(b, "Signed-By:\n%s\n", " "+deb822.Fold(strings.TrimSuffix(s.SignedBy.Key, "\n")))
		return
	}
	list("Signed-By", append(append([]string(nil), s.SignedBy.Keyrings...), s.SignedBy.Fingerprints...))
}
