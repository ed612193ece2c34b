// Package apttest builds small Debian packages and signed archives for tests, without dpkg, apt or
// gpg, and serves them over HTTP and as files.
//
//	a := apttest.New(t, apttest.Options{})
//	a.Add(apttest.Deb{Package: "hello", Version: "1.0-1", Depends: "libc6",
//		Files: []apttest.File{{Path: "usr/bin/hello", Mode: 0o755, Content: "#!/bin/sh\n"}}})
//	sources := []source.Source{a.Publish()}
//
// What it makes is what dpkg-deb, apt-get and gpgv accept. Tests of error paths then break one thing:
//
//   - the release: the fields of [Archive] such as Unsigned, Signers, Date, ValidUntil and Hashes,
//     before Publish;
//   - files: [Archive.Corrupt] and [Archive.Remove];
//   - the transfer: [Archive.Fault] makes the server answer with an error, cut a transfer short,
//     or stall.
//
// [Archive.Requests] tells what was asked of the server. Keys are made per archive; [NewKey] makes
// more of them. Nothing here needs root or the network, and archives of parallel tests do not meet.
package apttest
