// Package fetch reads files of a repository from a server, or several servers
// that hold the same files: over HTTP/1.1 and HTTP/2, or below a directory.
//
// A [Client] holds connections, credentials and limits. A [Target] is a place
// with one or more base URLs; [Target.Get] streams one file of it and
// [Target.ReadAll] reads a small one. Both retry what may be gone next time,
// change to the next base URL when one has not got a file, and continue an
// interrupted transfer where it stopped. Nothing here checks what the bytes
// are: names of objects and signatures do that.
//
// A Client and its Targets may be used by several goroutines.
package fetch
