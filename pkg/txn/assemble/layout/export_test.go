package layout

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// RunPass runs one step of Fold, for tests that show what it does alone.
func RunPass(ctx context.Context, name string, s Store, t *ostree.Tree, opts Options) (*Report, error) {
	f, err := newFolder(ctx, s, t, opts)
	if err != nil {
		return nil, err
	}
	for _, p := range f.passes() {
		if p.name == name {
			return f.report, p.do(ctx)
		}
	}
	return nil, fmt.Errorf("no step %q", name)
}

// ParseAccounts parses the contents of passwd and group.
func ParseAccounts(passwd, group []byte) error {
	_, err := parsePasswd(passwd)
	if err == nil {
		_, err = parseGroup(group)
	}
	return err
}

// Forms of the files that are rewritten, and the fields of generated ones.
var (
	NormaliseShadow = normaliseShadow
	SortDebconf     = sortDebconf
	SortTriples     = sortTriples
	SortLines       = sortLines
	QuoteField      = quoteField
	EscapeArgument  = escapeArgument
	Relative        = relative
)

// Declared lists the paths that a tmpfiles.d file creates.
func Declared(text string) map[string]byte {
	d := declared{}
	d.add(text)
	return d
}
