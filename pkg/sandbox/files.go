package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// files are the descriptors of one run: the child's in the order Argv numbers
// them, and our ends of the two pipes.
type files struct {
	child  []*os.File
	owned  []*os.File // those of child to close once the child has them
	status *os.File   // bubblewrap reports on the other end
	block  *os.File   // the program waits for a byte on the other end
}

func openFiles(spec Spec) (_ *files, err error) {
	f := &files{child: append([]*os.File(nil), spec.ExtraFiles...)}
	defer func() {
		if err != nil {
			f.closeChild()
			f.closeParent()
		}
	}()
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox status pipe: %w", err)
	}
	f.status = statusRead
	f.give(statusWrite)
	blockRead, blockWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox start pipe: %w", err)
	}
	f.block = blockWrite
	f.give(blockRead)
	for _, m := range spec.Mounts {
		if m.Kind != Data {
			continue
		}
		data, err := dataFile(m)
		if err != nil {
			return nil, err
		}
		f.give(data)
	}
	return f, nil
}

// give hands a file we own to the child.
func (f *files) give(file *os.File) {
	f.child = append(f.child, file)
	f.owned = append(f.owned, file)
}

// dataFile holds the content in memory: a pipe would block on long content.
func dataFile(m Mount) (*os.File, error) {
	fd, err := unix.MemfdCreate("sandbox-data", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("sandbox mount over %s: memory file: %w", m.Target, err)
	}
	file := os.NewFile(uintptr(fd), m.Target)
	if _, err := file.Write(m.Data); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("sandbox mount over %s: %w", m.Target, err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("sandbox mount over %s: %w", m.Target, err)
	}
	return file, nil
}

// release lets the program start.
func (f *files) release() error {
	_, err := f.block.Write([]byte{0})
	_ = f.block.Close() // the byte was delivered or was not; Write said which
	return err
}

// closeChild closes our copies of what was given away. Nothing is written
// through them here, so there is nothing an error could tell.
func (f *files) closeChild() {
	for _, file := range f.owned {
		_ = file.Close()
	}
	f.owned = nil
}

func (f *files) closeParent() {
	for _, file := range []*os.File{f.status, f.block} {
		if file != nil {
			_ = file.Close()
		}
	}
}
