package txn

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// packageValue is rpm-ostree's (sstsss) for a package: the full name, then name, epoch, version,
// release and architecture. A Debian revision is in the place of the release.
func packageValue(p PackageRef) gvariant.Value {
	v, err := version.Parse(p.Version)
	if err != nil {
		panic(err) // it was made of a parsed version
	}
	return gvariant.Tuple(
		gvariant.String(p.Name+"_"+p.Version+"_"+p.Architecture), gvariant.String(p.Name), gvariant.Uint64(uint64(v.Epoch())),
		gvariant.String(v.Upstream()), gvariant.String(v.Revision()), gvariant.String(p.Architecture),
	)
}

// packageJSON is the same as status has it.
func packageJSON(v gvariant.Value) (any, error) {
	if v.Type() != "(sstsss)" {
		return nil, fmt.Errorf("a package of type %s", v.Type())
	}
	var out []any
	for _, field := range v.Children() {
		out = append(out, jsonValue(field))
	}
	return out, nil
}

func removedValue(removed []PackageRef) gvariant.Value {
	list := make([]gvariant.Value, len(removed))
	for i, p := range removed {
		list[i] = gvariant.Variant(packageValue(p))
	}
	return gvariant.Array("v", list...)
}

// removedJSON is what a layered commit says about packages of the base that it is without.
func removedJSON(c *ostree.Commit) ([]any, error) {
	out := []any{}
	list, ok := c.Metadata.Lookup(keyRemoved)
	if !ok {
		return out, nil
	}
	for _, boxed := range list.Children() {
		v, err := boxed.Unwrap()
		if err == nil {
			var p any
			p, err = packageJSON(v)
			out = append(out, p)
		}
		if err != nil {
			return nil, fmt.Errorf("metadata key %s: %w", keyRemoved, err)
		}
	}
	return out, nil
}
