// Package source reads and writes the lists of archives of apt: sources.list in its one-line format
// and .sources files in deb822 format, both described in sources.list(5).
//
//	sources, err := source.Load("/")                       // /etc/apt/sources.list{,.d}
//	sources = source.ApplyConf(sources, config)            // defaults of apt.conf
//	releases, err := source.Releases(sources, "amd64", nil) // what is to be fetched
//
// A [Source] is one entry of such a list; a [Release] gathers what all entries want of one release
// of one archive. Order is preference: of several places that offer the same package, the first one
// is used.
package source
