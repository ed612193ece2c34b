// Package kargs edits kernel command lines the way libostree and rpm-ostree do.
//
// [Args] is a parsed command line: an ordered list of arguments, each a key or key=value. The same
// key may come several times (console=tty0 console=ttyS0), and an argument without a value differs
// from one with an empty value. [Edit] describes a change as data; [Edit.Apply] carries it out or
// explains why it cannot.
//
//	args := kargs.Parse("root=LABEL=system quiet")
//	args, err := kargs.Edit{Append: []string{"console=ttyS0"}, Delete: []string{"quiet"}}.Apply(args)
//
// All functions are pure: they return new values and leave their arguments alone.
package kargs
