package ostree

import (
	"errors"
	"fmt"
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/bsdiff"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/rollsum"
)

// A piece is what a part holds for one object. The offsets in its operations
// count from where the piece begins in the payload.
type piece struct {
	object   ObjectName
	info     FileInfo // of a file
	source   Checksum // of a file that is made of an old one
	copies   []pieceCopy
	patch    bool
	payload  []byte
	fallback bool // left out
}

// A pieceCopy is a stretch of a file that is put together from an old one and
// the payload.
type pieceCopy struct {
	fromSource   bool
	offset, size int64 // offset in the source, or in the payload
}

// metadataPiece makes the piece of a dirtree or dirmeta.
func (p *deltaPlan) metadataPiece(n ObjectName) (*piece, error) {
	data, err := p.repo.store.readMeta(n)
	if err != nil {
		return nil, err
	}
	return &piece{object: n, payload: data}, nil
}

// content is how much of the objects the piece makes.
func (p *piece) content() int64 {
	if p.object.Type == ObjectFile && !p.info.IsSymlink() {
		return p.info.Size
	}
	return int64(len(p.payload))
}

// filePiece makes the piece of a file.
func (p *deltaPlan) filePiece(f *deltaFile, differ *bsdiff.Differ) (*piece, error) {
	piece := &piece{object: ObjectName{f.checksum, ObjectFile}, info: f.info}
	if f.info.IsSymlink() {
		piece.payload = []byte(f.info.Target)
		return piece, nil
	}
	if !f.source.IsZero() {
		made, err := p.comparedPiece(piece, f, differ)
		if made || err != nil {
			return piece, err
		}
	}
	if p.opts.MinFallback >= 0 && f.info.Size > p.opts.MinFallback {
		piece.fallback = true
		return piece, nil
	}
	var err error
	piece.payload, err = p.repo.readContent(f.checksum, f.info.Size)
	return piece, err
}

// readContent reads the whole content of a file object.
func (r *Repo) readContent(c Checksum, size int64) (data []byte, err error) {
	_, content, err := r.store.openFile(c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	if size > maxPartSize/2 {
		return nil, fmt.Errorf("file object %s of %d bytes is too large for a static delta; a size for fallbacks leaves it out", c, size)
	}
	data = make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		return nil, fmt.Errorf("file object %s: %w", c, noEOF(err))
	}
	return data, nil
}

// comparedPiece makes a piece of an old file. It tells whether that is worth it.
func (p *deltaPlan) comparedPiece(to *piece, f *deltaFile, differ *bsdiff.Differ) (bool, error) {
	info, err := p.repo.store.fileInfo(f.source)
	if err != nil {
		return false, err
	}
	before, err := p.repo.readContent(f.source, info.Size)
	if err != nil {
		return false, err
	}
	after, err := p.repo.readContent(f.checksum, f.info.Size)
	if err != nil {
		return false, err
	}
	to.source = f.source
	if max(info.Size, f.info.Size) > p.opts.MaxPatched {
		return to.copy(after, rollsumMatches(before, after), len(after)/2), nil
	}
	matches := differ.Diff(before, after)
	e := estimatePatch(before, after, matches)
	switch {
	case e.useless(len(after)):
		return false, nil
	case len(after) >= minCopied && e.copies <= e.patch:
		return to.copy(after, equalRuns(before, after, matches), len(after)), nil
	}
	to.patch = true
	to.payload = bsdiff.AppendPatch(make([]byte, 0, bsdiff.PatchSize(len(after), matches)), before, after, matches)
	return true, nil
}

func rollsumMatches(before, after []byte) []bsdiff.Match {
	var matches []bsdiff.Match
	for _, m := range rollsum.Match(before, after) {
		matches = append(matches, bsdiff.Match{New: m.New, Old: m.Old, Len: m.Len})
	}
	return matches
}

const (
	// minCopied is the size from which on a file may be put together from pieces.
	// A patch of a smaller one is small whatever it holds.
	minCopied = 64 << 10
	// minRun is the shortest stretch without a difference that is copied.
	minRun = 32
)

// equalRuns are the stretches of matches in which nothing differs.
func equalRuns(before, after []byte, matches []bsdiff.Match) []bsdiff.Match {
	var runs []bsdiff.Match
	for _, m := range matches {
		for i := 0; i < m.Len; {
			n := bsdiff.Equal(before[m.Old+i:m.Old+m.Len], after[m.New+i:m.New+m.Len])
			if n >= minRun {
				runs = append(runs, bsdiff.Match{New: m.New + i, Old: m.Old + i, Len: n})
			}
			i += n + 1
		}
	}
	return runs
}

// copy puts a file together from stretches of the old one and what is between
// them, unless that is more than some limit. It tells whether it did.
func (p *piece) copy(after []byte, runs []bsdiff.Match, limit int) bool {
	rest := len(after)
	for _, m := range runs {
		rest -= m.Len
	}
	if rest > limit || len(runs) == 0 {
		return false
	}
	at := 0
	literal := func(end int) {
		if end > at {
			p.copies = append(p.copies, pieceCopy{offset: int64(len(p.payload)), size: int64(end - at)})
			p.payload = append(p.payload, after[at:end]...)
		}
	}
	for _, m := range runs {
		literal(m.New)
		p.copies = append(p.copies, pieceCopy{fromSource: true, offset: int64(m.Old), size: int64(m.Len)})
		at = m.New + m.Len
	}
	literal(len(after))
	return true
}

// An estimate is what the ways to make a file of an old one take when they are
// compressed, in bytes.
type estimate struct {
	copies, patch int
	alike         int // bytes of stretches that are alike
}

// estimatePatch knows that literal bytes compress to about half, that each
// change of direction takes a few bytes of numbers, and that long runs of zeros
// take next to nothing, but not nothing.
func estimatePatch(before, after []byte, matches []bsdiff.Match) estimate {
	const perControl, perChange, perCopy, zeros = 10, 2, 9, 1000
	var e estimate
	for _, m := range matches {
		e.alike += m.Len
		e.patch += perControl
		for i := 0; i < m.Len; {
			n := bsdiff.Equal(before[m.Old+i:m.Old+m.Len], after[m.New+i:m.New+m.Len])
			if n >= minRun {
				e.copies += perCopy
			} else {
				e.copies += n / 2
			}
			if i += n; i < m.Len {
				e.copies++
				e.patch++
				if n > 0 {
					e.patch += perChange
				}
				i++
			}
		}
	}
	e.patch += e.alike / zeros
	rest := (len(after) - e.alike) / 2
	e.copies += rest
	e.patch += rest
	return e
}

// useless tells whether the old file is no help.
func (e estimate) useless(size int) bool { return e.alike < size/8 || e.patch > size/2 }
