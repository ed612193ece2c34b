// Package testenv says what a test needs from the machine it runs on.
//
//	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
//
// On a laptop a test whose need is not met is skipped, with the reason. Where
// the environment variable APT_OSTREE_REQUIRE is 1, as in CI, it fails
// instead, so that no test stays skipped unnoticed.
package testenv
