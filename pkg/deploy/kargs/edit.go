package kargs

import (
	"fmt"
	"slices"
	"strings"
)

// Edit is a change to a command line. The fields are applied in the order in which they are
// declared; each of their elements may hold several arguments, separated by spaces.
// The rules are those of ostree-kernel-args and of "rpm-ostree kargs".
type Edit struct {
	// Delete removes arguments: "key=value", or "key" when it has one value.
	Delete []string
	// Replace gives an argument a new value in place: "key=new" when the key has one value,
	// "key=old=new" when it has several.
	Replace []string
	// Set makes each argument the only one of its key, adding it when it is missing
	// ("ostree admin deploy --karg").
	Set []string
	// Append adds arguments at the end, also a second time.
	Append []string
	// AppendIfMissing adds those arguments which are not there yet, with the same value.
	AppendIfMissing []string
	// DeleteIfPresent is Delete for arguments that need not be there.
	DeleteIfPresent []string
}

// IsZero reports whether there is nothing to change.
func (e Edit) IsZero() bool {
	return len(e.Replace)+len(e.Set)+len(e.Append)+len(e.AppendIfMissing)+len(e.Delete)+len(e.DeleteIfPresent) == 0
}

// Apply returns the edited command line. The error is a [*NotFoundError] or an [*AmbiguousError]
// when an argument to replace or delete cannot be determined, and names a malformed argument
// otherwise.
func (e Edit) Apply(args Args) (Args, error) {
	out := slices.Clone(args)
	steps := []struct {
		texts []string
		do    func(Args, string) (Args, error)
	}{
		{e.Delete, remove},
		{e.Replace, replace},
		{e.Set, func(a Args, arg string) (Args, error) { return a.Set(arg), nil }},
		{e.Append, func(a Args, arg string) (Args, error) { return append(a, arg), nil }},
		{e.AppendIfMissing, appendIfMissing},
		{e.DeleteIfPresent, removeIfPresent},
	}
	for _, step := range steps {
		for _, text := range step.texts {
			for _, arg := range Parse(text) {
				var err error
				if out, err = step.do(out, arg); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := out.Check(); err != nil {
		return nil, err
	}
	return out, nil
}

// NotFoundError says that an argument to replace or delete is not in the command line.
type NotFoundError struct {
	// Arg is the argument asked for, "key" or "key=value".
	Arg string
}

// Error names the argument.
func (e *NotFoundError) Error() string { return fmt.Sprintf("kernel argument %q not found", e.Arg) }

// AmbiguousError says that a key alone does not tell which of its arguments is meant.
type AmbiguousError struct {
	// Key is the key asked for.
	Key string
	// Values are the values it has.
	Values []string
}

// Error names the key and how to be more specific.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("kernel argument %q has %d values (%s): say which one as %s=VALUE",
		e.Key, len(e.Values), strings.Join(e.Values, ", "), e.Key)
}

// replace changes a value in place.
func replace(args Args, arg string) (Args, error) {
	key, value, _ := strings.Cut(arg, "=")
	values := args.Values(key)
	if len(values) == 0 {
		return nil, &NotFoundError{Arg: key}
	}
	if older, newer, ok := strings.Cut(value, "="); ok {
		at := indexOf(args, key, older)
		if at < 0 {
			return nil, &NotFoundError{Arg: key + "=" + older}
		}
		args[at] = key + "=" + newer
		return args, nil
	}
	if len(values) > 1 {
		return nil, &AmbiguousError{Key: key, Values: values}
	}
	args[slices.IndexFunc(args, func(have string) bool { return keyOf(have) == key })] = arg
	return args, nil
}

// indexOf finds the argument with exactly that key and value; an argument without a value counts as
// one with an empty value only here, so that "key==new" can give it one.
func indexOf(args Args, key, value string) int {
	return slices.IndexFunc(args, func(have string) bool {
		return have == key+"="+value || (value == "" && have == key)
	})
}

// appendIfMissing appends an argument unless the very same one is there.
func appendIfMissing(args Args, arg string) (Args, error) {
	if slices.Contains(args, arg) {
		return args, nil
	}
	return append(args, arg), nil
}

// remove deletes the one argument that is meant.
func remove(args Args, arg string) (Args, error) {
	if at := slices.Index(args, arg); at >= 0 {
		return slices.Delete(args, at, at+1), nil
	}
	key, value, hasValue := strings.Cut(arg, "=")
	values := args.Values(key)
	switch {
	case len(values) == 0:
		return nil, &NotFoundError{Arg: key}
	case hasValue:
		return nil, &NotFoundError{Arg: key + "=" + value}
	case len(values) > 1:
		return nil, &AmbiguousError{Key: key, Values: values}
	}
	return args.Without(key), nil
}

// removeIfPresent deletes an argument whose key, or whose key and value, is there.
func removeIfPresent(args Args, arg string) (Args, error) {
	key, _, hasValue := strings.Cut(arg, "=")
	if !args.Has(key) || (hasValue && !slices.Contains(args, arg)) {
		return args, nil
	}
	return remove(args, arg)
}
