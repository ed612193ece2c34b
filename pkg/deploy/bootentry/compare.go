package bootentry

import "cmp"

// CompareVersions orders two version strings like strverscmp(3), by which libostree sorts entries:
// digit sequences compare as numbers, everything else byte by byte, and a digit sequence with
// leading zeros compares as a fraction ("00" < "01" < "0" < "1" < "9" < "10").
func CompareVersions(a, b string) int {
	// The strings are equal before i; the digit sequence around i starts at start.
	i, start := 0, 0
	for ; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if !isDigit(a[i]) {
			start = i + 1
		}
	}
	x, y := at(a, i), at(b, i)
	switch {
	case isPositive(at(a, start)) && isPositive(at(b, start)):
		// Two whole numbers: the one with more digits is larger.
		return cmp.Or(cmp.Compare(digitsFrom(a, i), digitsFrom(b, i)), cmp.Compare(x, y))
	case start < i && allZeros(a[start:i]) && isDigit(x) != isDigit(y):
		// Two fractions, of which one goes on: that is the smaller one.
		if isDigit(x) {
			return -1
		}
		return 1
	}
	return cmp.Compare(x, y)
}

// digitsFrom counts the digits of s that follow each other from i on.
func digitsFrom(s string, i int) int {
	n := 0
	for isDigit(at(s, i+n)) {
		n++
	}
	return n
}

func allZeros(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isPositive(c byte) bool { return '1' <= c && c <= '9' }

// at returns a byte of s, 0 beyond its end.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}
