package ostree

import (
	"encoding/binary"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A partWriter collects the pieces of a part.
type partWriter struct {
	objects []byte // as the superblock lists them
	count   int
	content int64 // of the objects
	modes   []byte
	modeAt  map[[12]byte]uint64
	xattrs  []gvariant.Value
	xattrAt map[string]uint64
	payload [][]byte
	length  int64 // of the payload
	ops     []byte
}

func (w *partWriter) empty() bool { return w.count == 0 }

// size is about how long the part becomes.
func (w *partWriter) size() int64 { return w.length + int64(len(w.ops)) }

// add appends a piece.
func (w *partWriter) add(p *piece) {
	w.count++
	w.objects = append(w.objects, byte(p.object.Type))
	w.objects = append(w.objects, p.object.Checksum[:]...)
	w.content += p.content()
	if !p.patch && len(p.copies) == 0 {
		w.addWhole(p)
		return
	}
	source := w.append(p.source[:])
	base := w.append(p.payload)
	w.op(opOpen, w.mode(p.info), w.attrs(p.info), uint64(p.info.Size))
	if p.patch {
		w.op(opSetSource, source)
		w.op(opPatch, base, uint64(len(p.payload)))
	}
	reading := false
	for _, c := range p.copies {
		switch {
		case c.fromSource && !reading:
			w.op(opSetSource, source)
		case !c.fromSource && reading:
			w.op(opUnsetSource)
		}
		if reading = c.fromSource; reading {
			w.op(opWrite, uint64(c.size), uint64(c.offset))
		} else {
			w.op(opWrite, uint64(c.size), base+uint64(c.offset))
		}
	}
	// Other programs expect that the source is unset, though closing does it.
	w.op(opUnsetSource)
	w.op(opClose)
}

func (w *partWriter) addWhole(p *piece) {
	base := w.append(p.payload)
	if p.object.Type == ObjectFile {
		w.op(opWhole, w.mode(p.info), w.attrs(p.info), uint64(len(p.payload)), base)
	} else {
		w.op(opWhole, uint64(len(p.payload)), base)
	}
}

func (w *partWriter) op(op byte, args ...uint64) {
	w.ops = append(w.ops, op)
	for _, a := range args {
		w.ops = binary.AppendUvarint(w.ops, a)
	}
}

// append adds to the payload and returns where.
func (w *partWriter) append(data []byte) uint64 {
	at := uint64(w.length)
	w.payload = append(w.payload, data)
	w.length += int64(len(data))
	return at
}

// mode returns the place of owner and mode in their table.
func (w *partWriter) mode(fi FileInfo) uint64 {
	key := [12]byte(encodeOwnerMode(fi.UID, fi.GID, fi.Mode, nil))
	at, ok := w.modeAt[key]
	if !ok {
		if w.modeAt == nil {
			w.modeAt = map[[12]byte]uint64{}
		}
		at = uint64(len(w.modeAt))
		w.modeAt[key] = at
		w.modes = append(w.modes, key[:]...)
	}
	return at
}

// attrs returns the place of attributes in their table.
func (w *partWriter) attrs(fi FileInfo) uint64 {
	v := encodeXattrs(fi.Xattrs)
	at, ok := w.xattrAt[string(v.Data())]
	if !ok {
		if w.xattrAt == nil {
			w.xattrAt = map[string]uint64{}
		}
		at = uint64(len(w.xattrs))
		w.xattrAt[string(v.Data())] = at
		w.xattrs = append(w.xattrs, v)
	}
	return at
}

// encode serialises the part, of type partType.
func (w *partWriter) encode(m blobMaker) (*blob, error) {
	if w.length == 0 && w.count > 0 {
		// libostree 2022 cannot make an empty file of a payload without a byte.
		w.append([]byte{0})
	}
	xattrs := gvariant.Array("a(ayay)", w.xattrs...).Data()
	ends := []int{0, len(w.modes) + len(xattrs), len(w.modes)} // last to first
	ends[0] = ends[1] + int(w.length)
	const maxFraming = 3 * 8
	b, err := m.newBlob(int64(ends[0]+len(w.ops)) + maxFraming)
	if err != nil {
		return nil, err
	}
	data := append(append(b.data[:0], w.modes...), xattrs...)
	for i, p := range w.payload {
		data = append(data, p...)
		w.payload[i] = nil
	}
	data = append(data, w.ops...)
	b.data = appendFrame(data, len(data), ends)
	return b, nil
}

// appendFrame appends the framing offsets of a container whose body has the
// given length, in the smallest width that suits the whole.
func appendFrame(b []byte, body int, ends []int) []byte {
	width := 1
	for width < 8 && uint64(body+len(ends)*width) > 1<<(8*width)-1 {
		width *= 2
	}
	for _, end := range ends {
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(end))[:width]...)
	}
	return b
}
