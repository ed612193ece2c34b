// Package keyfile reads and writes GLib key files, the format of OSTree
// repository configuration, remotes, origins and prepare-root.conf.
//
// A [File] keeps what a person wrote: comments, blank lines, the order of
// groups and keys, and the spelling of every line that is not changed. A file
// that is parsed and written again is therefore the same, byte for byte.
//
//	f, err := keyfile.Parse(data)
//	mode, ok := f.Get("core", "mode")
//	f.Set("core", "fsync", "false")
//	data = f.Bytes()
//
// The rules are those of GLib's GKeyFile: a key belongs to the group above it,
// groups of the same name are one group, the last of several equal keys wins,
// spaces around the key and before the value do not count, "#" starts a
// comment only at the beginning of a line, and values escape with \s \n \t \r
// and \\ (and the separator, in lists). It is neither INI nor TOML: quotes and
// ";" are ordinary characters.
//
// A File is not safe for concurrent use.
package keyfile
