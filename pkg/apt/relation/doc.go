// Package relation parses the relationship fields of binary packages: Depends, Breaks, Provides and
// their kin, in the syntax of deb-control(5) and section 7.1 of Debian Policy.
//
// A field is a list of groups, all of which must hold; a [Group] is a list of alternatives, one of
// which must hold, the first being preferred; a [Relation] names a package and, perhaps, which of
// its versions and architectures will do.
//
//	groups, err := relation.ParseDepends("libc6 (>= 2.36), default-mta | mail-transport-agent")
//
// Whether a relation holds for a package also depends on architectures and on what packages
// provide. That is the solver's business; here [Relation.Satisfied] looks at the version alone.
package relation
