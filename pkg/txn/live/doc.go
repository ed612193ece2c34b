// Package live makes running files equal to a commit, path by path: the engine of apply-live.
//
// There is no log of single operations. A [State], written before the first change, says which commit
// the files come from and which they are to become; [Converge] brings a path to its state in a commit
// whatever it is now. So a run that was interrupted is resumed by doing it again, and undone by
// converging the same paths to the commit it came from. [MergeEtc] does the same for /etc, where only
// files are touched that are as their old defaults were; the state names them.
package live
