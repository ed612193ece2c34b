// Package txn changes a system: it joins the archives (pkg/apt), the repository (pkg/ostree), the
// cage (pkg/sandbox) and the deployments (pkg/deploy) that know nothing of each other.
//
// Three nouns carry it. A [Change] is what a user wants, as plain data: install these, upgrade,
// roll back. A [Plan] is what that means for one [System] today: which base commit, which packages
// at which versions, what to download. [System.Apply] does exactly what the plan says:
//
//	sys, err := txn.Open(ctx, "/", txn.Options{})
//	plan, err := sys.Plan(ctx, txn.Change{Install: []string{"nginx"}})
//	deployment, err := sys.Apply(ctx, plan, txn.ApplyOptions{})
//
// A plan touches nothing but the cache of archive metadata and the little of a new base that it has to
// read, and is what --dry-run, --check and --preview print. Applying
// has one commit point, the switch of the boot entries: before it every failure leaves the system
// as it was and garbage at most, after it the new deployment is the one that boots next. Every
// change builds a new deployment from the base commit and the origin's list of requests, never
// from a layered commit, so the result does not depend on the order of past changes.
//
// Errors carry a stable [Kind] and, where there is one, the way out as a [Remedy]: see [Classify]
// and [Advise].
//
// A System is used by one goroutine at a time. Between processes the sysroot's lock decides; the
// loser gets an error of kind busy at once.
package txn
