package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
)

// maxLine bounds a line of a Contents file. The longest of Debian has 14 KB: a file of many packages.
const maxLine = 1 << 20

// Contents returns the indexes that say which package has which file, for a component and the wanted
// architectures: those below the component or, where an archive has none there, those of all components.
// There are none in many archives.
func (r *Release) Contents(component string, architectures []string) []*Index {
	var indexes []*Index
	for _, arch := range append(slices.Clone(architectures), "all") {
		for _, dir := range prefixes(component) {
			if x := r.index(dir + "Contents-" + arch); x != nil {
				indexes = append(indexes, x)
				break
			}
		}
	}
	return indexes
}

// Translation returns the index of the descriptions of a component in a language such as "en" or "pt_BR",
// nil if there is none.
func (r *Release) Translation(component, language string) *Index {
	for _, dir := range prefixes(component) {
		for _, name := range []string{dir + "i18n/Translation-" + language, dir + language} {
			if x := r.index(name); x != nil {
				return x
			}
		}
	}
	return nil
}

// prefixes are the directories in which a component may have an index.
func prefixes(component string) []string {
	if component == "" {
		return []string{""}
	}
	return slices.Compact([]string{component + "/", path.Base(component) + "/", ""})
}

// OpenIndex opens a verified file that holds an index, to read what is too large for memory. Reading
// fails after the size in want, or after 16 GiB if that is unknown.
func OpenIndex(file, compression string, want Checksums) (io.ReadCloser, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	unpacked, err := decompress(f, compression)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), f.Close())
	}
	limit := want.Size
	if limit < 0 {
		limit = maxIndex
	}
	return &indexReader{unpacked, f, limit}, nil
}

// indexReader is an open index.
type indexReader struct {
	unpacked io.ReadCloser
	file     *os.File
	left     int64
}

// Read reads, and fails if there is more than there should be.
func (r *indexReader) Read(b []byte) (int, error) {
	n, err := r.unpacked.Read(b)
	if r.left -= int64(n); r.left < 0 {
		return 0, fmt.Errorf("%s: unpacks to more bytes than it should", r.file.Name())
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", r.file.Name(), err)
	}
	return n, err
}

// Close closes the file.
func (r *indexReader) Close() error { return errors.Join(r.unpacked.Close(), r.file.Close()) }

// ScanContents reads a Contents file and calls visit with each line that contains literal: the path
// without a leading slash, and the packages it is in, such as "editors/vim,editors/vim-tiny". Both may be
// used during the call only; visit returns false to end it. What is no such line is passed over.
func ScanContents(ctx context.Context, r io.Reader, literal []byte, visit func(file, packages []byte) bool) error {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := lines(in)
		for len(block) > 0 {
			at := bytes.Index(block, literal)
			if at < 0 {
				break
			}
			start := bytes.LastIndexByte(block[:at], '\n') + 1
			end := bytes.IndexByte(block[at:], '\n')
			if end < 0 {
				end = len(block)
			} else {
				end += at
			}
			if file, packages, ok := splitContents(block[start:end]); ok && !visit(file, packages) {
				return nil
			}
			block = block[min(end+1, len(block)):]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// lines returns the next whole lines, as many as fit the buffer.
func lines(in *bufio.Reader) ([]byte, error) {
	block, err := in.Peek(maxLine)
	if errors.Is(err, io.EOF) {
		_, _ = in.Discard(len(block)) // it is there
		return block, err
	}
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(block, '\n') + 1
	if end == 0 {
		return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
	}
	_, _ = in.Discard(end) // it is there; the block stays valid until the next Peek
	return block[:end:end], nil
}

// splitContents splits at the last blanks: a path may have some, the packages do not. A package is named
// with its section. The text at the head of older files has neither a slash there nor a path before it.
func splitContents(line []byte) (file, packages []byte, ok bool) {
	line = bytes.TrimRight(line, " \t\r")
	at := bytes.LastIndexAny(line, " \t")
	if at < 0 {
		return nil, nil, false
	}
	file, packages = bytes.TrimRight(line[:at], " \t"), line[at+1:]
	return file, packages, len(file) > 0 && !bytes.Equal(packages, []byte("LOCATION"))
}
