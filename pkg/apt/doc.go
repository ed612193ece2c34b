// Package apt finds out what a Debian archive has to offer and fetches it. It chooses, downloads and
// reads packages; it never touches a root file system.
//
//	sources, err := source.Load("/")
//	client, err := apt.NewClient(apt.ClientOptions{CacheDir: dir, Architecture: "amd64"})
//	universe, err := client.Update(ctx, sources)
//	for _, p := range universe.Versions("nginx") { … }     // newest first
//	paths, err := client.Download(ctx, packages, apt.DownloadOptions{})
//
// The nouns are [Package], one version of one package as an archive or a .deb describes it;
// [Universe], the immutable set of all packages of some sources; and [Client], which keeps a cache
// directory in step with the archives.
//
// # Trust
//
// Every byte is verified before use: a Release file against the keys its source names, an index
// against the Release file, a .deb against the index. [UntrustedError], [HashMismatchError] and
// [SupersededError] say what did not hold and what to do about it.
//
// # Concurrency
//
// Packages and universes are immutable and safe to share. A Client is safe for concurrent use, and
// several processes may share one cache directory.
package apt
