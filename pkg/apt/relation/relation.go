package relation

import (
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Relation is one package name with the conditions put on it. Relations are comparable values.
type Relation struct {
	// Name is the package, in lower case.
	Name string
	// ArchQual is what follows the colon: "any", "native" or an architecture. It is usually empty.
	ArchQual string
	// Op says how the version of the package must relate to Version; Any when there is no condition.
	Op Op
	// Version is the bound, the zero version when Op is Any.
	Version version.Version
}

// Group is a list of alternatives, the preferred one first. It is never empty.
type Group []Relation

// Op is the operator of a version condition.
type Op uint8

// The operators, as deb-control(5) writes them. Any stands for no condition.
const (
	Any            Op = iota
	Earlier           // <<
	EarlierOrEqual    // <=
	Equal             // =
	LaterOrEqual      // >=
	Later             // >>
)

// String returns the operator as it is written, "" for Any.
func (o Op) String() string {
	switch o {
	case Any:
		return ""
	case Earlier:
		return "<<"
	case EarlierOrEqual:
		return "<="
	case Equal:
		return "="
	case LaterOrEqual:
		return ">="
	case Later:
		return ">>"
	default:
		return "?"
	}
}

// Holds reports whether "v o bound" is true in dpkg's order. Any always holds.
func (o Op) Holds(v, bound version.Version) bool {
	if o == Any {
		return true
	}
	c := version.Compare(v, bound)
	switch o {
	case Earlier:
		return c < 0
	case EarlierOrEqual:
		return c <= 0
	case Equal:
		return c == 0
	case LaterOrEqual:
		return c >= 0
	case Later:
		return c > 0
	case Any:
		return true
	default:
		return false
	}
}

// Satisfied reports whether a package of version v meets the version condition. The zero version,
// which an unversioned Provides has, meets only a relation without condition.
func (r Relation) Satisfied(v version.Version) bool {
	return r.Op == Any || !v.IsZero() && r.Op.Holds(v, r.Version)
}

// String writes the relation as a control file does: "name:arch (>= 1.0)".
func (r Relation) String() string {
	if r.Op == Any && r.ArchQual == "" {
		return r.Name
	}
	var b strings.Builder
	b.WriteString(r.Name)
	if r.ArchQual != "" {
		b.WriteByte(':')
		b.WriteString(r.ArchQual)
	}
	if r.Op != Any {
		b.WriteString(" (")
		b.WriteString(r.Op.String())
		b.WriteByte(' ')
		b.WriteString(r.Version.String())
		b.WriteByte(')')
	}
	return b.String()
}

// String writes the alternatives separated by " | ".
func (g Group) String() string { return join(g, " | ") }

// Format writes groups as a control field does, separated by ", ".
func Format(groups []Group) string { return join(groups, ", ") }

func join[T interface{ String() string }](items []T, separator string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(item.String())
	}
	return b.String()
}
