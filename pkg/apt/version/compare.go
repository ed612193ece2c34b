package version

import "cmp"

// Compare returns a negative number when a is older than b, zero when dpkg takes them for the same
// version, and a positive number when a is newer: epochs are compared as numbers, then the upstream
// versions and then the revisions by the algorithm of deb-version(7).
func Compare(a, b Version) int {
	if a.text == b.text {
		return 0
	}
	if a.epoch != b.epoch {
		return cmp.Compare(a.epoch, b.epoch)
	}
	// No version sorts before all, even before versions that start with a tilde.
	if a.text == "" || b.text == "" {
		return cmp.Compare(len(a.text), len(b.text))
	}
	if c := comparePart(a.Upstream(), b.Upstream()); c != 0 {
		return c
	}
	return comparePart(a.Revision(), b.Revision())
}

// Compare is the method form of the function [Compare], fit for sorting by method expression.
func (v Version) Compare(w Version) int { return Compare(v, w) }

// comparePart alternates between non-digit runs, compared character by character, and digit runs,
// compared as numbers. A missing character weighs as much as a digit.
func comparePart(a, b string) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && !isDigit(a[i]) || j < len(b) && !isDigit(b[j]) {
			if c := cmp.Compare(weightAt(a, i), weightAt(b, j)); c != 0 {
				return c
			}
			i, j = i+1, j+1
		}
		var number int
		number, i, j = compareNumber(a, i, b, j)
		if number != 0 {
			return number
		}
	}
	return 0
}

// compareNumber compares the digit runs at a[i:] and b[j:] and returns where they end.
func compareNumber(a string, i int, b string, j int) (order, nextI, nextJ int) {
	for i < len(a) && a[i] == '0' {
		i++
	}
	for j < len(b) && b[j] == '0' {
		j++
	}
	first := 0
	for i < len(a) && j < len(b) && isDigit(a[i]) && isDigit(b[j]) {
		if first == 0 {
			first = cmp.Compare(a[i], b[j])
		}
		i, j = i+1, j+1
	}
	// With leading zeros gone the longer run is the greater number.
	if i < len(a) && isDigit(a[i]) {
		return 1, i, j
	}
	if j < len(b) && isDigit(b[j]) {
		return -1, i, j
	}
	return first, i, j
}

// weightAt orders characters: tilde, then the end of the part or a digit, letters, everything else.
func weightAt(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case isLetter(s[i]):
		return int(s[i])
	default:
		return int(s[i]) + 256
	}
}
