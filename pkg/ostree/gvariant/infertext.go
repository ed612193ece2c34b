package gvariant

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A pattern is a type with letters for what the text leaves open: N for any
// number, S for any kind of string, * for anything.

// pattern is what the text says of the type.
func (n *textNode) pattern() (string, error) {
	switch n.kind {
	case numberNode:
		if isFloat(n.text) {
			return "d", nil
		}
		return "N", nil
	case stringNode:
		return "S", nil
	case bytesNode:
		return "ay", nil
	case boolNode:
		return "b", nil
	case variantNode:
		return "v", nil
	case nothingNode:
		return "m*", nil
	case typedNode:
		return n.typedPattern()
	case tupleNode, entryNode:
		return n.eachPattern()
	}
	return n.commonPattern()
}

func isFloat(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return text == "inf" || text == "nan" || !strings.HasPrefix(text, "0x") && strings.ContainsAny(text, ".eE")
}

func (n *textNode) typedPattern() (string, error) {
	if err := CheckType(n.text); err != nil {
		return "", n.errorf("%v", err)
	}
	return n.text, nil
}

func (n *textNode) eachPattern() (string, error) {
	open, end := "(", ")"
	if n.kind == entryNode {
		open, end = "{", "}"
	}
	all := strings.Builder{}
	all.WriteString(open)
	for _, kid := range n.kids {
		p, err := kid.pattern()
		if err != nil {
			return "", err
		}
		if all.WriteString(p); all.Len() > maxTypeLength {
			return "", n.errorf("its type is longer than %d bytes", maxTypeLength)
		}
	}
	return all.String() + end, nil
}

// commonPattern is that of an array, dictionary or maybe, whose elements must agree.
func (n *textNode) commonPattern() (string, error) {
	common, prefix := "*", "a"
	if n.kind == dictNode {
		common = "{**}"
	}
	if n.kind == justNode {
		prefix = "m"
	}
	for _, kid := range n.kids {
		p, err := kid.pattern()
		if err != nil {
			return "", err
		}
		var ok bool
		if common, ok = unify(common, p); !ok {
			return "", kid.errorf("this has another type than what is before it")
		}
	}
	return prefix + common, nil
}

// unify finds the pattern of what fits both.
func unify(a, b string) (string, bool) {
	if a == "*" || a == b {
		return b, true
	}
	if b == "*" {
		return a, true
	}
	if fits(a, b) {
		return b, true
	}
	if fits(b, a) {
		return a, true
	}
	if a[0] != b[0] || strings.IndexByte("am({", a[0]) < 0 {
		return "", false
	}
	if a[0] == 'a' || a[0] == 'm' {
		elem, ok := unify(a[1:], b[1:])
		return a[:1] + elem, ok
	}
	all, restA, restB := a[:1], members(a), members(b)
	for restA != "" && restB != "" {
		var memberA, memberB string
		memberA, restA = nextType(restA)
		memberB, restB = nextType(restB)
		member, ok := unify(memberA, memberB)
		if !ok {
			return "", false
		}
		all += member
	}
	return all + a[len(a)-1:], restA == restB
}

// fits tells whether an open letter can be a basic type.
func fits(open, typ string) bool {
	return open == "N" && len(typ) == 1 && strings.Contains("ynqiuxthd", typ) || open == "S" && len(typ) == 1 && strings.Contains("sog", typ)
}

// settle makes a type of a pattern.
func settle(pattern string, n *textNode) (string, error) {
	if strings.ContainsRune(pattern, '*') {
		return "", n.errorf("nothing says which type this has; put it before the value, as in @as []")
	}
	typ := strings.NewReplacer("N", "i", "S", "s").Replace(pattern)
	if err := CheckType(typ); err != nil {
		return "", n.errorf("%v", err)
	}
	return typ, nil
}

// build makes the value of a type.
func (n *textNode) build(typ string) (Value, error) {
	if n.kind == typedNode {
		if n.text != typ {
			return Value{}, n.mismatch(typ)
		}
		return n.kids[0].build(typ)
	}
	if typ[0] == 'm' {
		return n.buildMaybe(typ)
	}
	switch {
	case n.kind == numberNode && len(typ) == 1 && strings.Contains("ynqiuxthd", typ):
		return n.buildNumber(typ)
	case n.kind == stringNode && (typ == "s" || typ == "o" || typ == "g"):
		return n.checked(Value{typ, append([]byte(n.text), 0)})
	case n.kind == bytesNode && typ == "ay":
		return Value{typ, append([]byte(n.text), 0)}, nil
	case n.kind == boolNode && typ == "b":
		return Bool(n.text == "true"), nil
	case n.kind == variantNode && typ == "v":
		return n.buildVariant()
	case (n.kind == arrayNode || n.kind == dictNode) && typ[0] == 'a':
		return n.buildArray(typ)
	case n.kind == tupleNode && typ[0] == '(' || n.kind == entryNode && typ[0] == '{':
		return n.buildMembers(typ)
	}
	return Value{}, n.mismatch(typ)
}

func (n *textNode) mismatch(typ string) error { return n.errorf("this is no value of type %q", typ) }

func (n *textNode) checked(v Value) (Value, error) {
	if _, err := Parse(v.typ, v.data); err != nil {
		return Value{}, n.mismatch(v.typ)
	}
	return v, nil
}

func (n *textNode) buildMaybe(typ string) (Value, error) {
	if n.kind == nothingNode {
		return Value{typ: typ}, nil
	}
	inner := n
	if n.kind == justNode {
		inner = n.kids[0]
	}
	child, err := inner.build(typ[1:])
	if err != nil {
		return Value{}, err
	}
	data := child.data
	if fixedSize(child.typ) == 0 {
		data = append(slices.Clip(data), 0)
	}
	return Value{typ, data}, nil
}

func (n *textNode) buildNumber(typ string) (Value, error) {
	if typ == "d" {
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return Value{}, n.errorf("%q is not a number", n.text)
		}
		return Double(f), nil
	}
	text, negative := strings.CutPrefix(strings.TrimPrefix(n.text, "+"), "-")
	magnitude, err := strconv.ParseUint(text, 0, 64)
	if err != nil || strings.ContainsAny(text, "_+-oObB") && !strings.HasPrefix(text, "0x") {
		return Value{}, n.errorf("%q is not a number", n.text)
	}
	size := fixedSize(typ)
	limit := uint64(math.MaxUint64) >> (64 - 8*size)
	if strings.Contains("nixh", typ) {
		limit >>= 1
		if negative {
			limit++
		}
	} else if negative && magnitude > 0 {
		limit = 0
	}
	if magnitude > limit {
		return Value{}, n.errorf("%s is out of range for type %q", n.text, typ)
	}
	if negative {
		magnitude = -magnitude
	}
	return Value{typ, Uint64(magnitude).data[:size:size]}, nil
}

func (n *textNode) buildVariant() (Value, error) {
	pattern, err := n.kids[0].pattern()
	if err != nil {
		return Value{}, err
	}
	typ, err := settle(pattern, n.kids[0])
	if err != nil {
		return Value{}, err
	}
	child, err := n.kids[0].build(typ)
	if err != nil {
		return Value{}, err
	}
	return Variant(child), nil
}

func (n *textNode) buildArray(typ string) (Value, error) {
	if n.kind == dictNode && typ[1] != '{' {
		return Value{}, n.mismatch(typ)
	}
	values := make([]Value, len(n.kids))
	for i, kid := range n.kids {
		var err error
		if values[i], err = kid.build(typ[1:]); err != nil {
			return Value{}, err
		}
	}
	return Array(typ[1:], values...), nil
}

func (n *textNode) buildMembers(typ string) (Value, error) {
	rest := members(typ)
	var values []Value
	for _, kid := range n.kids {
		if rest == "" {
			return Value{}, n.mismatch(typ)
		}
		var member string
		member, rest = nextType(rest)
		v, err := kid.build(member)
		if err != nil {
			return Value{}, err
		}
		values = append(values, v)
	}
	if rest != "" {
		return Value{}, n.mismatch(typ)
	}
	return tuple(typ, values), nil
}
