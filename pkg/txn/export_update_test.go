package txn

// Advisories is advisories, for tests.
var Advisories = advisories
