// Package nearest finds the words a user probably meant.
package nearest

import (
	"cmp"
	"slices"
)

// maxWord bounds the work per comparison: longer words are never typos of a short name.
const maxWord = 64

// Strings returns up to n candidates that are close to word, the closest first and equal ones in
// alphabetical order. A candidate is close when at most a third of the longer of both words, but at
// least one character, was mistyped: missing, too many, another one, or swapped with its neighbour
// (optimal string alignment distance).
func Strings(word string, candidates []string, n int) []string {
	type match struct {
		word     string
		distance int
	}
	var found []match
	for _, c := range candidates {
		limit := max(1, max(len(word), len(c))/3)
		if d, ok := distance(word, c, limit); ok {
			found = append(found, match{c, d})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.word, b.word))
	})
	found = slices.Compact(found)
	out := make([]string, 0, n)
	for _, m := range found[:min(n, len(found))] {
		out = append(out, m.word)
	}
	return out
}

// distance returns the optimal string alignment distance of a and b, and whether it is at most
// limit. It stops as soon as the limit cannot be met any more.
func distance(a, b string, limit int) (int, bool) {
	if len(a) > maxWord || len(b) > maxWord || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return 0, false
	}
	var rows [3][maxWord + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		best := row[0]
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			cost = min(cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = cost
			best = min(best, cost)
		}
		if best > limit {
			return 0, false
		}
		before, last, row = last, row, before
	}
	return last[len(b)], last[len(b)] <= limit
}
