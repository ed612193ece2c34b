package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// The operations of a part. Their arguments are numbers of seven bits per byte.
const (
	opWhole       = 'S' // mode, attributes (both for files only), size, offset
	opOpen        = 'o' // mode, attributes, size
	opWrite       = 'w' // size, offset
	opSetSource   = 'r' // offset
	opUnsetSource = 'R'
	opClose       = 'c'
	opPatch       = 'B' // offset, size
)

// A recipe is how one object of a part is made.
type recipe struct {
	object ObjectName
	info   FileInfo // of a file; its size is that of the content
	whole  []byte   // all bytes, if the part gives them in one piece
	steps  stepList // that make the content of a file otherwise
}

// A stepList is the steps that make a file. They are read where they stand, since
// a part may have millions in a few bytes; that they are right has been checked.
type stepList struct {
	opReader
	left uint64 // bytes that they still have to add
}

// next returns the next step; there is one as long as left is not zero.
func (l *stepList) next() (step, error) {
	for {
		op, err := l.op()
		if err != nil {
			return step{}, err
		}
		s, err := l.step(op, l.left)
		if err != nil || s.size > 0 {
			l.left -= s.size
			return s, err
		}
	}
}

// A step adds to the content of a file. What it refers to has been checked to
// lie in the payload.
type step struct {
	source Checksum // file object to read from, zero for none
	size   uint64   // of what it adds
	offset uint64   // in the source
	data   []byte   // of the payload: what to add, or a patch of the source
	patch  bool
}

// A cookbook is what the operations of a part say.
type cookbook struct {
	recipes []recipe
	counts  [128]int // of each operation
	opReader
}

// An opReader reads operations one after the other.
type opReader struct {
	part   *partContent
	ops    []byte    // not read yet
	source Checksum  // zero for none
	counts *[128]int // nil if nobody counts
}

// read reads all operations of a part. They must make exactly the objects that
// the superblock lists. Nothing is read of the objects that they refer to.
func (p *partContent) read(objects []ObjectName) (*cookbook, error) {
	c := &cookbook{opReader: opReader{part: p, ops: p.ops}, recipes: make([]recipe, 0, len(objects))}
	c.opReader.counts = &c.counts
	for _, n := range objects {
		r, err := c.next(n)
		if err != nil {
			return nil, fmt.Errorf("operation at byte %d for %s: %w", len(p.ops)-len(c.ops), n, err)
		}
		c.recipes = append(c.recipes, r)
	}
	for len(c.ops) > 0 {
		// Behind the last object there is nothing but the end of its source.
		if op, err := c.op(); err != nil || op != opUnsetSource {
			return nil, fmt.Errorf("operation at byte %d makes an object that is not in the list", len(p.ops)-len(c.ops)-1)
		}
	}
	return c, nil
}

// next reads the operations for one object.
func (c *opReader) next(n ObjectName) (recipe, error) {
	r := recipe{object: n}
	for {
		op, err := c.op()
		if err != nil {
			return r, err
		}
		switch op {
		case opSetSource, opUnsetSource:
			if err := c.setSource(op); err != nil {
				return r, err
			}
		case opWhole:
			return r, c.whole(&r)
		case opOpen:
			return r, c.pieces(&r)
		default:
			return r, fmt.Errorf("operation %q outside of an object", op)
		}
	}
}

func (c *opReader) op() (byte, error) {
	if len(c.ops) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	op := c.ops[0]
	c.ops = c.ops[1:]
	if c.counts != nil && int(op) < len(c.counts) {
		c.counts[op]++
	}
	return op, nil
}

// setSource handles opSetSource and opUnsetSource. The payload has the checksum
// of the source.
func (c *opReader) setSource(op byte) error {
	if op == opUnsetSource {
		c.source = Checksum{}
		return nil
	}
	offset, err := c.number()
	if err != nil {
		return err
	}
	name, err := c.payload(offset, uint64(len(Checksum{})))
	if err != nil {
		return err
	}
	c.source = Checksum(name)
	return nil
}

// whole reads the arguments of opWhole.
func (c *opReader) whole(r *recipe) error {
	if r.object.Type == ObjectFile {
		if err := c.info(r); err != nil {
			return err
		}
	}
	size, err := c.number()
	if err != nil {
		return err
	}
	data, err := c.slice(size)
	if err != nil {
		return err
	}
	switch {
	case r.object.Type != ObjectFile:
		r.whole = data
	case r.info.IsSymlink():
		r.info.Target = string(data)
	default:
		r.info.Size = int64(size)
		r.whole = data
	}
	return nil
}

// info reads the positions of owner, mode and attributes.
func (c *opReader) info(r *recipe) error {
	mode, err := c.number()
	if err != nil {
		return err
	}
	xattrs, err := c.number()
	if err != nil {
		return err
	}
	if mode >= uint64(len(c.part.modes)) || xattrs >= uint64(len(c.part.xattrs)) {
		return fmt.Errorf("mode %d of %d, attributes %d of %d", mode, len(c.part.modes), xattrs, len(c.part.xattrs))
	}
	r.info = c.part.modes[mode]
	r.info.Xattrs = c.part.xattrs[xattrs]
	return nil
}

// pieces reads the arguments of opOpen and what follows up to opClose.
func (c *opReader) pieces(r *recipe) error {
	if r.object.Type != ObjectFile {
		return fmt.Errorf("operation %q is for files only", opOpen)
	}
	if err := c.info(r); err != nil {
		return err
	}
	size, err := c.number()
	if err != nil {
		return err
	}
	if size > 1<<62 || r.info.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("content of %d bytes for mode %#o", size, r.info.Mode)
	}
	r.info.Size = int64(size)
	r.steps = stepList{opReader: opReader{part: c.part, ops: c.ops, source: c.source}, left: size}
	for left := size; ; {
		op, err := c.op()
		if err != nil {
			return err
		}
		if op == opClose {
			c.source = Checksum{}
			if left > 0 {
				return fmt.Errorf("content is %d bytes short", left)
			}
			return nil
		}
		s, err := c.step(op, left)
		if err != nil {
			return err
		}
		if s.size > left {
			return fmt.Errorf("%d bytes more content than %d", s.size-left, size)
		}
		left -= s.size
	}
}

// step reads an operation between opOpen and opClose. A patch makes all that is
// left.
func (c *opReader) step(op byte, left uint64) (step, error) {
	switch op {
	case opSetSource, opUnsetSource:
		return step{}, c.setSource(op)
	case opWrite:
		size, err := c.number()
		if err != nil {
			return step{}, err
		}
		if c.source.IsZero() {
			data, err := c.slice(size)
			return step{size: size, data: data}, err
		}
		offset, err := c.number()
		if err == nil && (offset > 1<<62 || size > 1<<62) {
			err = fmt.Errorf("%d bytes at %d of the source", size, offset)
		}
		return step{source: c.source, size: size, offset: offset}, err
	case opPatch:
		offset, err := c.number()
		if err != nil {
			return step{}, err
		}
		size, err := c.number()
		if err != nil {
			return step{}, err
		}
		if c.source.IsZero() {
			return step{}, errors.New("patch without a source")
		}
		data, err := c.payload(offset, size)
		return step{source: c.source, size: left, data: data, patch: true}, err
	}
	return step{}, fmt.Errorf("operation %q is not known", op)
}

// slice reads an offset and returns that many bytes of the payload from there.
func (c *opReader) slice(size uint64) ([]byte, error) {
	offset, err := c.number()
	if err != nil {
		return nil, err
	}
	return c.payload(offset, size)
}

func (c *opReader) payload(offset, size uint64) ([]byte, error) {
	all := uint64(len(c.part.payload))
	if offset > all || size > all-offset {
		return nil, fmt.Errorf("%d bytes at %d of a payload of %d", size, offset, all)
	}
	return c.part.payload[offset : offset+size : offset+size], nil
}

func (c *opReader) number() (uint64, error) {
	n, size := binary.Uvarint(c.ops)
	if size <= 0 {
		return 0, errors.New("an argument is cut off or too large")
	}
	c.ops = c.ops[size:]
	return n, nil
}
