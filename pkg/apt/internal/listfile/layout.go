package listfile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrDamaged is the error about a file that is not what [Write] wrote.
var ErrDamaged = errors.New("damaged package list")

// version of the format; to be changed with it.
const version = 1

const magic = "aptlist" + string(rune(version))

// The sections of a file, in their order.
const (
	// namePool has all names one after the other, those of packages and then virtual ones.
	namePool = iota
	// names: for each name, sorted, where it starts in namePool and its first stanza; one more entry
	// says where the last one ends.
	names
	// stanzas: for each package where its text starts, its length and checksum.
	stanzas
	// virtuals and providers: as names, with the first entry in providers, which are stanzas.
	virtuals
	providers
	// essential are stanzas.
	essential
	// summaries: for each name where the summary of its first stanza starts in summaryPool.
	summaries
	summaryPool
	text
	sections
)

const (
	nameEntry   = 8
	stanzaEntry = 16
	number      = 4

	headSize = len(magic) + sections*16 + 3*number
	// maxPackages is what a file can hold, and maxText the bytes of its stanzas.
	maxPackages = 1 << 28
	maxText     = 1 << 40
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

var order = binary.LittleEndian

// span is where a section is.
type span struct{ offset, length uint64 }

// appendHead writes the head for sections of these lengths. The sums are those of the tables and of
// the summaries.
func appendHead(b []byte, lengths [sections]uint64, tables, summary uint32) []byte {
	b = append(b, magic...)
	at := uint64(headSize)
	for _, n := range lengths {
		b = order.AppendUint64(b, at)
		b = order.AppendUint64(b, n)
		at += n
	}
	b = order.AppendUint32(b, tables)
	b = order.AppendUint32(b, summary)
	return order.AppendUint32(b, checksum(b))
}

// parseHead reads and verifies the head of a file: its sections follow each other and fill it.
func parseHead(data []byte) (spans [sections]span, tables, summary uint32, err error) {
	if len(data) < headSize || string(data[:len(magic)]) != magic {
		return spans, 0, 0, ErrDamaged
	}
	sums := data[headSize-3*number:]
	if order.Uint32(sums[2*number:]) != checksum(data[:headSize-number]) {
		return spans, 0, 0, ErrDamaged
	}
	at := uint64(headSize)
	for i := range spans {
		entry := data[len(magic)+i*16:]
		spans[i] = span{order.Uint64(entry), order.Uint64(entry[8:])}
		if spans[i].offset != at || spans[i].length > uint64(len(data))-at {
			return spans, 0, 0, ErrDamaged
		}
		at += spans[i].length
	}
	if at != uint64(len(data)) {
		return spans, 0, 0, ErrDamaged
	}
	return spans, order.Uint32(sums), order.Uint32(sums[number:]), nil
}
