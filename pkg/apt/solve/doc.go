// Package solve chooses package versions.
//
// A [Request] says what is installed, what is wanted and which rules hold; [Solve] answers with a
// [Solution], or with an error that explains itself: [NotFoundError] names every package that does
// not exist, [UnsatisfiableError] the way from a request to what prevents it.
//
//	s, err := solve.Solve(ctx, universe, solve.Request{
//		Architecture: "amd64",
//		Install:      []string{"nginx", "git/bookworm-backports"},
//		Recommends:   true,
//	})
//
// Solve is a pure function: the same packages and the same request, its lists in any order, give the
// same solution. It never answers with an invalid one; [Check] verifies every solution against the
// rules of Debian Policy chapter 7 and of Multi-Arch, and Solve calls it.
//
// # What is chosen
//
// Of each package one version is the candidate, as in apt_preferences(5): that of the highest priority,
// the newest of those, by [Request.Policy], or what a request names. Nothing but candidates and
// installed versions is chosen, except that older versions are the last resort when installed packages
// are locked or a request names a version: they are what fits an image older than its archive.
//
// What is installed stays if that is possible at all. Dependencies are looked at depth first from the
// requests in their order by name, those of a package in the order of its fields, recommendations last.
// Among the alternatives of a dependency, packages that are installed come first, then the order of the
// field counts. Of the providers of a virtual package come first: installed ones, those from the same
// source package, Essential, Protected, of the native architecture, of higher Priority, then the last by
// the names of source and package. No recommendation removes a package or makes a solution fail.
//
// docs/solver.md says this with the reasons, and where APT chooses otherwise.
//
// [Batches] then puts the chosen packages in an order in which dpkg can unpack and configure them.
package solve
