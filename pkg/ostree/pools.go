package ostree

import (
	"bufio"
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/inflate"
)

// pools keeps buffers and compressors of one repository for use again: making
// them anew costs more than most files.
type pools struct {
	buffers  sync.Pool // *[]byte of smallFile bytes
	deflates sync.Pool // *archiver
	inflates sync.Pool // *inflater
	archives sync.Pool // *archivedReader
}

// An archiver compresses content. The buffer behind it turns the many small
// writes of the compressor into few large ones.
type archiver struct {
	deflate *flate.Writer
	out     *bufio.Writer
	packed  bytes.Buffer // what pack returned last
}

// pack compresses data behind a header. The result is good until the next call.
func (a *archiver) pack(header, data []byte) ([]byte, error) {
	a.packed.Reset()
	a.packed.Write(header)
	a.deflate.Reset(&a.packed)
	if _, err := a.deflate.Write(data); err != nil {
		return nil, err
	}
	err := a.deflate.Close()
	return a.packed.Bytes(), err
}

// An inflater decompresses what is in a file.
type inflater struct {
	in *bufio.Reader
	*inflate.Reader
}

func newInflater() *inflater {
	return &inflater{in: bufio.NewReaderSize(nil, inflateBuffer), Reader: inflate.NewReader()}
}

// inflateBuffer is how much compressed content is read at a time.
const inflateBuffer = 32 << 10

// reset starts anew with a source, which may be nil.
func (i *inflater) reset(r io.Reader) {
	i.in.Reset(r)
	i.Reset(i.in)
}

// smallFile is the size up to which a file is held in memory as a whole.
const smallFile = 128 << 10

func newPools(zlibLevel int) *pools {
	p := &pools{}
	p.buffers.New = func() any { b := make([]byte, smallFile); return &b }
	p.deflates.New = func() any {
		out := bufio.NewWriterSize(nil, smallFile)
		w, err := flate.NewWriter(out, zlibLevel)
		if err != nil {
			panic(err) // the level was brought into range when the configuration was read
		}
		return &archiver{deflate: w, out: out}
	}
	p.inflates.New = func() any { return newInflater() }
	p.archives.New = func() any { return newArchivedReader(p) }
	return p
}
