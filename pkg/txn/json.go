package txn

import (
	"encoding/json"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// MarshalJSON adds the package difference.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	return json.Marshal(struct {
		*plain
		Diff [][]any `json:"pkgdiff"`
	}{(*plain)(p), pkgdiff(p.Diff)})
}

// MarshalJSON adds the package difference.
func (p *LivePlan) MarshalJSON() ([]byte, error) {
	type plain LivePlan
	return json.Marshal(struct {
		*plain
		Diff [][]any `json:"pkgdiff"`
	}{(*plain)(p), pkgdiff(p.Diff)})
}

// jsonValue gives a metadata value as what encoding/json understands: strings, numbers, booleans
// and lists as themselves, everything else in GVariant's own text format.
func jsonValue(v gvariant.Value) any {
	var out any
	var err error
	switch v.Type() {
	case "s":
		out, err = v.Str()
	case "b":
		out, err = v.Bool()
	case "u":
		out, err = v.Uint32()
	case "t":
		out, err = v.Uint64()
	case "as":
		out, err = v.Strings()
	default:
		return v.Text()
	}
	if err != nil {
		return v.Text()
	}
	return out
}
