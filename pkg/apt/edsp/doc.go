// Package edsp speaks the External Dependency Solver Protocol, in which APT asks another program for a
// solution: version 0.5, as apt 2.6 and 3 write it.
//
//	scenario, err := edsp.Read(os.Stdin)
//	solution, failed := solve.Solve(ctx, scenario.Universe(), scenario.SolveRequest(true))
//	err = scenario.WriteResult(os.Stdout, solution, failed)
//
// A [Scenario] is a request and all packages it is about; an [Answer] names packages by the numbers
// that the scenario gave them. Both can be read and written, so that a scenario which APT dumped can be
// replayed, cut down and kept as a test.
//
// # What the protocol does not say
//
// Whether recommendations count is not in a scenario: the solver asks APT's configuration. A request
// "foo-" for a package that is not installed arrives as one to install it. Which packages cannot be
// installed in two architectures at once is left to the solver, which knows. Nothing is answered about
// packages that are not needed any more: APT finds these itself.
//
// Scenarios are not trusted: a malformed one is an error that names the line, and reading takes no more
// memory than the scenario has bytes, several times.
package edsp
