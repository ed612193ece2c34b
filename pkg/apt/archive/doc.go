// Package archive gets files of a Debian archive and believes none of them without proof.
//
// A [Keyring] verifies a Release file; [ParseRelease] reads what was verified, and nothing else;
// [Release.CheckDates] and [Release.Indexes] apply the rules of apt-secure(8) and of the repository
// format (https://wiki.debian.org/DebianRepository/Format) to it. A [Fetcher] gets the files the
// release lists by http, https and file URIs, several at once, into a [Cache] that is addressed by
// checksums:
//
//	keyring, err := archive.LoadKeyring("/", src.SignedBy)
//	body, err := keyring.VerifyInline(inRelease, now)
//	release, err := archive.ParseRelease(body)
//	indexes, err := release.Indexes("main", []string{"amd64"})
//	v := indexes[0].Variants[0]
//	path, err := fetcher.Fetch(ctx, archive.Item{URL: base + v.Path, Checksums: v.Checksums})
//
// Transfers resume where they were interrupted, in this process or an earlier one, and are checked
// while they stream. Several processes may use one cache.
package archive
