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

// boxedValue is packageValue in a variant, as lists of packages have it.
func boxedValue(p PackageRef) gvariant.Value { return gvariant.Variant(packageValue(p)) }

func removedValue(removed []PackageRef) gvariant.Value {
	list := make([]gvariant.Value, len(removed))
	for i, p := range removed {
		list[i] = boxedValue(p)
	}
	return gvariant.Array("v", list...)
}

func replacedValue(replaced []Replacement) gvariant.Value {
	list := make([]gvariant.Value, len(replaced))
	for i, r := range replaced {
		list[i] = gvariant.Tuple(boxedValue(r.To), boxedValue(r.From))
	}
	return gvariant.Array("(vv)", list...)
}

// removedJSON is what a layered commit says about packages of the base that it is without.
func removedJSON(c *ostree.Commit) ([]any, error) {
	return packagesJSON(c, keyRemoved, boxedJSON)
}

// replacedJSON is what a layered commit says about packages of the base that others are in the place of:
// pairs of the new and the old one.
func replacedJSON(c *ostree.Commit) ([]any, error) {
	return packagesJSON(c, keyReplaced, func(pair gvariant.Value) (any, error) {
		var out []any
		for _, boxed := range pair.Children() {
			p, err := boxedJSON(boxed)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	})
}

func boxedJSON(boxed gvariant.Value) (any, error) {
	v, err := boxed.Unwrap()
	if err != nil {
		return nil, err
	}
	return packageJSON(v)
}

// packagesJSON converts a list of the metadata, empty if there is none.
func packagesJSON(c *ostree.Commit, key string, convert func(gvariant.Value) (any, error)) ([]any, error) {
	out := []any{}
	list, ok := c.Metadata.Lookup(key)
	if !ok {
		return out, nil
	}
	for _, v := range list.Children() {
		p, err := convert(v)
		if err != nil {
			return nil, fmt.Errorf("metadata key %s: %w", key, err)
		}
		out = append(out, p)
	}
	return out, nil
}
