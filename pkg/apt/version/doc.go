// Package version parses and orders Debian package versions.
//
// A version is [epoch:]upstream[-revision] as described in deb-version(7). [Parse] accepts what
// dpkg accepts in a control file of a package, and [Compare] orders versions exactly as
// "dpkg --compare-versions" does:
//
//	v, err := version.Parse("1:2.0~rc1-1")
//	older := version.Compare(v, w) < 0
//
// A [Version] is a comparable value. The == operator tells whether two versions are written the
// same; use [Compare] to find out whether they are the same version ("1.0" and "1.00" are).
package version
