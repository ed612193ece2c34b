package listfile

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"runtime"
	"sort"
	"sync"

	"golang.org/x/sys/unix"
)

// File is an open list. Packages are numbered in the order of the file.
type File struct {
	data    []byte
	section [sections][]byte

	summarySum  uint32
	summaryOnce sync.Once
	summaryErr  error
}

// Open maps a file. It stays mapped as long as it is reachable.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() < int64(headSize) || info.Size() > maxText {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrDamaged}
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &fs.PathError{Op: "mmap", Path: path, Err: err}
	}
	file, err := Decode(data)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.Join(err, unix.Munmap(data))}
	}
	runtime.AddCleanup(file, func(data []byte) { _ = unix.Munmap(data) }, data) // nothing can be done about it
	return file, nil
}

// Decode uses data, which must not change any more, as a file.
func Decode(data []byte) (*File, error) {
	spans, tables, summary, err := parseHead(data)
	if err != nil {
		return nil, err
	}
	f := &File{data: data, summarySum: summary}
	for i, s := range spans {
		f.section[i] = data[s.offset : s.offset+s.length : s.offset+s.length]
	}
	if checksum(data[spans[0].offset:spans[summaryPool].offset]) != tables {
		return nil, ErrDamaged
	}
	return f, f.validate()
}

// validate makes sure that no number leads out of the file. A checksum does not: it tells damage, not
// malice.
func (f *File) validate() error {
	n := f.Len()
	if len(f.section[stanzas])%stanzaEntry != 0 || len(f.section[providers])%number != 0 || len(f.section[essential])%number != 0 {
		return ErrDamaged
	}
	for _, table := range []struct{ section, limit int }{{names, n}, {virtuals, len(f.section[providers]) / number}} {
		if err := f.validateNames(f.section[table.section], table.limit); err != nil {
			return err
		}
	}
	for i := range n {
		offset, length, _ := f.stanza(i)
		if size := uint64(len(f.section[text])); offset > size || uint64(length) > size-offset {
			return ErrDamaged
		}
	}
	for _, list := range [][]byte{f.section[providers], f.section[essential]} {
		for ; len(list) > 0; list = list[number:] {
			if uint64(order.Uint32(list)) >= uint64(n) {
				return ErrDamaged
			}
		}
	}
	return f.validateSummaries()
}

// validateNames looks at a table of sorted names whose members are numbers below or at limit.
func (f *File) validateNames(table []byte, limit int) error {
	if len(table) < nameEntry || len(table)%nameEntry != 0 {
		return ErrDamaged
	}
	pool := f.section[namePool]
	var last []byte
	start, first := order.Uint32(table), order.Uint32(table[number:])
	for i := nameEntry; i < len(table); i += nameEntry {
		end, next := order.Uint32(table[i:]), order.Uint32(table[i+number:])
		if end < start || uint64(end) > uint64(len(pool)) || next < first || uint64(next) > uint64(limit) {
			return ErrDamaged
		}
		name := pool[start:end]
		if next == first || i > nameEntry && bytes.Compare(name, last) <= 0 {
			return ErrDamaged
		}
		last, start, first = name, end, next
	}
	if uint64(first) != uint64(limit) {
		return ErrDamaged
	}
	return nil
}

func (f *File) validateSummaries() error {
	table := f.section[summaries]
	if len(table) != (f.Names()+1)*number {
		return ErrDamaged
	}
	last := uint32(0)
	for ; len(table) > 0; table = table[number:] {
		next := order.Uint32(table)
		if next < last || uint64(next) > uint64(len(f.section[summaryPool])) {
			return ErrDamaged
		}
		last = next
	}
	return nil
}

// Len returns the number of packages.
func (f *File) Len() int { return len(f.section[stanzas]) / stanzaEntry }

// Names returns the number of names.
func (f *File) Names() int { return len(f.section[names])/nameEntry - 1 }

// Name returns the i-th name in their order.
func (f *File) Name(i int) string {
	defer runtime.KeepAlive(f)
	return string(f.entryName(names, i))
}

// CompareName compares the i-th name with another one.
func (f *File) CompareName(i int, name []byte) int {
	defer runtime.KeepAlive(f)
	return bytes.Compare(f.entryName(names, i), name)
}

func (f *File) entryName(section, i int) []byte {
	table := f.section[section][i*nameEntry:]
	return f.section[namePool][order.Uint32(table):order.Uint32(table[nameEntry:])]
}

func (f *File) entrySpan(section, i int) (from, to int) {
	table := f.section[section][i*nameEntry:]
	return int(order.Uint32(table[number:])), int(order.Uint32(table[nameEntry+number:]))
}

// Versions returns the packages from…to-1 of the i-th name.
func (f *File) Versions(i int) (from, to int) {
	defer runtime.KeepAlive(f)
	return f.entrySpan(names, i)
}

// Find returns the place of a name among the names, or where it would be.
func (f *File) Find(name string) (i int, found bool) {
	defer runtime.KeepAlive(f)
	return f.find(names, name)
}

func (f *File) find(section int, name string) (int, bool) {
	n := len(f.section[section])/nameEntry - 1
	key := []byte(name)
	return sort.Find(n, func(i int) int { return bytes.Compare(key, f.entryName(section, i)) })
}

// Owner returns the name of a package.
func (f *File) Owner(p int) string {
	defer runtime.KeepAlive(f)
	i := sort.Search(f.Names(), func(i int) bool {
		_, to := f.entrySpan(names, i)
		return to > p
	})
	return string(f.entryName(names, i))
}

// Providers returns the packages that provide a name, in their order.
func (f *File) Providers(name string) []int {
	defer runtime.KeepAlive(f)
	i, found := f.find(virtuals, name)
	if !found {
		return nil
	}
	from, to := f.entrySpan(virtuals, i)
	return numbers(f.section[providers][from*number : to*number])
}

// Essential returns the packages that are Essential, in their order.
func (f *File) Essential() []int {
	defer runtime.KeepAlive(f)
	return numbers(f.section[essential])
}

func numbers(data []byte) []int {
	list := make([]int, 0, len(data)/number)
	for ; len(data) > 0; data = data[number:] {
		list = append(list, int(order.Uint32(data)))
	}
	return list
}

// Stanza returns the text of a package.
func (f *File) Stanza(p int) (string, error) {
	defer runtime.KeepAlive(f)
	offset, length, sum := f.stanza(p)
	s := f.section[text][offset : offset+uint64(length)]
	if checksum(s) != sum {
		return "", fmt.Errorf("package %d: %w", p, ErrDamaged)
	}
	return string(s), nil
}

func (f *File) stanza(p int) (offset uint64, length, sum uint32) {
	entry := f.section[stanzas][p*stanzaEntry:]
	return order.Uint64(entry), order.Uint32(entry[8:]), order.Uint32(entry[12:])
}

// Search calls visit with each name and the summary of its first package, in lower case. Both may be
// used during the call only.
func (f *File) Search(visit func(i int, name, summary []byte)) error {
	defer runtime.KeepAlive(f)
	f.summaryOnce.Do(func() {
		if checksum(f.section[summaryPool]) != f.summarySum {
			f.summaryErr = fmt.Errorf("summaries: %w", ErrDamaged)
		}
	})
	if f.summaryErr != nil {
		return f.summaryErr
	}
	table, pool := f.section[summaries], f.section[summaryPool]
	for i := range f.Names() {
		visit(i, f.entryName(names, i), pool[order.Uint32(table[i*number:]):order.Uint32(table[(i+1)*number:])])
	}
	return nil
}

func update(sum uint32, data []byte) uint32 { return crc32.Update(sum, castagnoli, data) }
