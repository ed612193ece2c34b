// Package gvariant reads and writes GVariant, the serialisation that OSTree
// uses for its metadata objects and for the values in commit metadata.
//
// A [Value] is a type string together with its serialised bytes. Constructors
// such as [String], [Strings], [Dict] and [Tuple] build values; [Parse] turns
// bytes from elsewhere into one. Parse accepts only normal form: the one
// encoding that a conforming writer produces for a value. Everything else is an
// error, where GLib would substitute default values. A Value that Parse returned
// therefore never fails later because of its bytes, only because it was asked
// for as the wrong type.
//
// Numbers are little-endian. OSTree stores some numbers in big-endian order;
// swapping them is the business of the reader of that format.
//
// Values are immutable and may be shared between goroutines. They refer to the
// bytes they were parsed from, which must not change while a Value is in use.
//
// The format is described in the "GVariant Specification" and the text form in
// "GVariant Text Format" of the GLib documentation.
package gvariant
