package apt

import (
	"bytes"
	"context"
	"iter"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// FileMatch is a file of a package in an archive.
type FileMatch struct {
	// Path is the absolute path as the archive has it: before Debian's merge of /usr that may be /bin/ls.
	Path string
	// Package is the name of a package that has the file, Section its section, such as "editors".
	Package string
	Section string
	// Architecture is that of the package, or, where the archive does not tell them apart, the one whose
	// list of files names it.
	Architecture string
	Origin       *Origin
}

// FindFile iterates over the files of all packages that sources offer, installed or not, whose path
// matches: those of an absolute path; those whose last elements are these, for a path without a slash in
// front ("ls", "bin/ls"); or, with one of "*?[", those that the pattern fits, in which "*" stands for
// slashes as well. /bin and /usr/bin, and the other directories of merged systems, are the same.
//
// The lists of files (Contents) are large and not fetched by [Client.Update]; the first search fetches
// them into the cache, in the state that the sources' archives are in now. Archives without them are passed
// over, but if no source has any, that is a [*ReleaseError]. The matches come in the order of sources, and
// sorted by path within each list. An error ends the iteration.
func (c *Client) FindFile(ctx context.Context, sources []source.Source, pattern string) iter.Seq2[FileMatch, error] {
	return func(yield func(FileMatch, error) bool) {
		releases, err := c.releases(ctx, sources)
		if err != nil {
			yield(FileMatch{}, err)
			return
		}
		q := newFileQuery(pattern)
		found := false
		for _, r := range releases {
			searched := map[string]bool{} // where components share a list, once
			for _, want := range r.source.Wants {
				for _, x := range r.release.Contents(want.Component, want.Architectures) {
					if found = true; searched[x.Path] {
						continue
					}
					searched[x.Path] = true
					more, err := c.findFile(ctx, r, want, x, q, yield)
					if err != nil {
						yield(FileMatch{}, nameArchive(r.source, err))
					}
					if !more || err != nil {
						return
					}
				}
			}
		}
		if !found {
			yield(FileMatch{}, &ReleaseError{Problem: "no source has lists of the files in its packages (Contents)"})
		}
	}
}

// findFile searches one list. It returns false if yield did.
func (c *Client) findFile(ctx context.Context, r current, want source.Want, x *archive.Index, q fileQuery, yield func(FileMatch, error) bool) (more bool, err error) {
	if x.Empty() {
		return true, nil
	}
	file, variant, err := c.fetchIndex(ctx, r.source, r.release, x, nil)
	if err != nil {
		return false, err
	}
	in, err := archive.OpenIndex(file, variant.Compression, x.Checksums)
	if err != nil {
		return false, err
	}
	defer in.Close()
	_, arch, _ := strings.Cut(path.Base(x.Path), "Contents-")
	origin := newOrigin(r.source, r.release, want.Component)
	more = true
	err = archive.ScanContents(ctx, in, q.literal, func(file, packages []byte) bool {
		if !q.match(file) {
			return true
		}
		for location := range bytes.SplitSeq(packages, []byte(",")) {
			m := FileMatch{Path: "/" + string(file), Architecture: arch, Origin: origin}
			m.Section, m.Package = path.Split(string(location))
			m.Section = strings.TrimSuffix(m.Section, "/")
			if more = yield(m, nil); !more {
				return false
			}
		}
		return true
	})
	return more, err
}

// fileQuery is what FindFile looks for.
type fileQuery struct {
	literal  []byte // is in every line that matches
	path     []byte // the whole path or its last elements, merged
	absolute bool
	pattern  string // with "/" replaced; "" if there is none
}

func newFileQuery(text string) fileQuery {
	rest, absolute := strings.CutPrefix(text, "/")
	q := fileQuery{absolute: absolute, path: []byte(rest)}
	if strings.ContainsAny(rest, `*?[\`) {
		q.literal = longestLiteral(rest)
		q.pattern = hideSlashes(rest)
		return q
	}
	if absolute {
		q.path = merged(q.path)
	}
	q.literal = q.path
	return q
}

// longestLiteral returns text that everything contains that fits a pattern.
func longestLiteral(pattern string) []byte {
	if i := strings.IndexAny(pattern, `[\`); i >= 0 {
		pattern = pattern[:i]
	}
	// The archive may not have the "usr/" that the pattern begins with.
	pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "usr"), "/")
	longest := ""
	for part := range strings.FieldsFuncSeq(pattern, func(r rune) bool { return r == '*' || r == '?' }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return []byte(longest)
}

// hideSlashes makes "*" match slashes.
func hideSlashes(text string) string { return strings.ReplaceAll(text, "/", "\x00") }

// merged drops "usr/" in front of the directories of a merged /usr.
func merged(file []byte) []byte {
	if rest, found := bytes.CutPrefix(file, []byte("usr/")); found && isMerged(rest) {
		return rest
	}
	return file
}

// MatchFile tells whether [Client.FindFile] would find the file of an absolute path by a pattern, for
// looking through the files of installed packages.
func MatchFile(pattern, file string) bool {
	return newFileQuery(pattern).match([]byte(strings.TrimPrefix(file, "/")))
}

func isMerged(file []byte) bool {
	for _, dir := range []string{"bin/", "sbin/", "lib/", "lib32/", "lib64/", "libo32/", "libx32/"} {
		if bytes.HasPrefix(file, []byte(dir)) {
			return true
		}
	}
	return false
}

func (q fileQuery) match(file []byte) bool {
	switch {
	case q.pattern != "":
		return q.fits(file)
	case q.absolute:
		return bytes.Equal(merged(file), q.path)
	default:
		before, found := bytes.CutSuffix(file, q.path)
		return found && (len(before) == 0 || before[len(before)-1] == '/')
	}
}

// fits tries the pattern on the path, as it is and merged, and, unless the pattern is absolute, from each
// of its elements on.
func (q fileQuery) fits(file []byte) bool {
	if q.absolute {
		return q.matches(string(file)) || q.matches(string(merged(file))) || isMerged(file) && q.matches("usr/"+string(file))
	}
	text := string(file)
	for {
		if q.matches(text) {
			return true
		}
		_, rest, found := strings.Cut(text, "/")
		if !found {
			return false
		}
		text = rest
	}
}

func (q fileQuery) matches(text string) bool {
	ok, err := path.Match(q.pattern, hideSlashes(text))
	return ok && err == nil
}
