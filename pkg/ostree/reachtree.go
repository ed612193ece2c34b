package ostree

import (
	"context"
	"errors"
)

// walk adds the trees of commits that were all fetched completely or all not.
// There is a list of dirtrees still to be read and not a stack of directories, so
// that neither a deep tree nor a circle of corrupt ones does any harm: each
// dirtree is read once.
func (s *reachable) walk(ctx context.Context, trees []TreeID, partial bool) error {
	var todo []Checksum
	for _, id := range trees {
		todo = s.addDir(todo, &id.Contents, &id.Meta)
	}
	var stack workStack[Checksum]
	return stack.run(todo, func() func(Checksum, []Checksum) ([]Checksum, error) {
		read := dirTreeReader{inspect: s.inspect}
		return func(c Checksum, found []Checksum) ([]Checksum, error) {
			return s.visit(ctx, c, &read, found, partial)
		}
	})
}

// addDir adds a directory, and its dirtree to the list if it was not known.
func (s *reachable) addDir(todo []Checksum, contents, meta *Checksum) []Checksum {
	s.objects.add(ObjectDirMeta, meta)
	if s.objects.add(ObjectDirTree, contents) {
		todo = append(todo, *contents)
	}
	return todo
}

// visit adds what is in a dirtree and returns the dirtrees that are new. One that
// is missing in a partial commit is no error.
func (s *reachable) visit(ctx context.Context, c Checksum, read *dirTreeReader, found []Checksum, partial bool) ([]Checksum, error) {
	if err := ctx.Err(); err != nil {
		return found, err
	}
	n := ObjectName{c, ObjectDirTree}
	tree, err := read.load(s.repo.store, n)
	if partial && errors.Is(err, ErrObjectNotFound) {
		return found, nil
	}
	if err != nil {
		return found, s.report(n, err)
	}
	for _, f := range tree.files {
		s.objects.add(ObjectFile, (*Checksum)(f.sum))
	}
	for _, d := range tree.dirs {
		found = s.addDir(found, (*Checksum)(d.contents), (*Checksum)(d.meta))
	}
	return found, nil
}

// A dirTreeReader reads one dirtree after another into the same memory.
type dirTreeReader struct {
	// inspect, if set, sees the bytes before they are decoded.
	inspect func(ObjectName, []byte) error

	buf  []byte
	tree rawDirTree
}

// load reads a dirtree. The result is good until the next call.
func (r *dirTreeReader) load(s *store, n ObjectName) (*rawDirTree, error) {
	var err error
	if r.buf, err = s.readMetaInto(n, r.buf[:0]); err != nil {
		return nil, err
	}
	if r.inspect != nil {
		if err := r.inspect(n, r.buf); err != nil {
			return nil, err
		}
	}
	if err := r.tree.decode(r.buf); err != nil {
		return nil, &CorruptError{What: n.String(), Err: err}
	}
	return &r.tree, nil
}
