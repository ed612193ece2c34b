// Package origin reads and writes origin files, the key files beside each deployment that say what
// it follows and how it differs from it.
//
// An [Origin] has a field for every key that libostree and rpm-ostree define, so that the tools read
// each other's files. Keys and groups it does not know are kept when it is written again: a rollback
// to an older or newer program loses nothing.
//
//	o := origin.New("debian:trixie/amd64/server")
//	o.Requested = append(o.Requested, "htop")
//	text := o.Bytes() // [origin] baserefspec=…, [packages] requested=htop;
//
// An Origin is a plain value holder: not safe for concurrent changes, copied with [Origin.Clone].
package origin
