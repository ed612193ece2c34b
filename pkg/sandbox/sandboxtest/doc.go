// Package sandboxtest is for tests that have to do with sandboxes.
//
// [TestRunner] is what every [sandbox.Runner] must pass. [Recorder] is a
// Runner that starts nothing and remembers what it was asked, for tests of
// code that runs things. [Tree] makes a small tree that programs can run in.
package sandboxtest
