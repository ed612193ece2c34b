// Package preferences decides which version of a package APT would rather have: the pins of
// apt_preferences(5), Default-Release, archives with NotAutomatic, and phased updates.
//
//	pins, err := preferences.Load("/")
//	policy, err := preferences.NewPolicy(pins, preferences.Options{Architecture: "amd64"})
//	priority := policy.Priority(pkg, false)
//
// A [Policy] gives each package version that an archive offers its priority; the solver makes of it a
// candidate for each name (solve.Request.Policy). It is immutable and safe for concurrent use.
//
// # What a priority means
//
// The candidate is the version with the highest priority, the newest of those. A version of priority 0
// or less is never one. The installed version has at least 100. A version older than the installed one
// is a candidate only if its priority is 1000 or more.
package preferences
