package xz

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"math/bits"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// blockSize is how much is compressed by itself. That costs a few parts in a
// thousand, and lets several processors work on one file.
const blockSize = 4 << 20

// Encode compresses data into a file. Blocks are compressed at the same time, as
// GOMAXPROCS permits; the result does not depend on it.
func Encode(ctx context.Context, src []byte) ([]byte, error) {
	blocks := make([][]byte, (len(src)+blockSize-1)/blockSize)
	records := make([]record, len(blocks))
	workers := min(runtime.GOMAXPROCS(0), len(blocks))
	places := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(places)
		for i := range blocks {
			select {
			case places <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			e := newEncoder()
			for i := range places {
				data := src[i*blockSize : min((i+1)*blockSize, len(src))]
				blocks[i], records[i] = e.block(data)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return assemble(blocks, records), nil
}

// block compresses a block.
func (e *encoder) block(data []byte) ([]byte, record) {
	dictionary := byte(2 * (bits.Len(uint(max(len(data), 1<<12)-1)) - 12))
	out := make([]byte, 0, len(data)/3+256)
	out = append(out, 2, 0, filterLZMA2, 1, dictionary, 0, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = e.appendLZMA2(out, data)
	unpadded := len(out) + 8
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	out = binary.LittleEndian.AppendUint64(out, crc64.Checksum(data, crc64.MakeTable(crc64.ECMA)))
	return out, record{size: uint64(unpadded), content: uint64(len(data))}
}

// assemble puts blocks between a header, an index and a footer.
func assemble(blocks [][]byte, records []record) []byte {
	total := 64 + 20*len(records)
	for _, b := range blocks {
		total += len(b)
	}
	flags := []byte{0, checkCRC64}
	out := append(make([]byte, 0, total), headerMagic...)
	out = append(out, flags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(flags))
	for _, b := range blocks {
		out = append(out, b...)
	}
	start := len(out)
	out = append(out, 0)
	out = binary.AppendUvarint(out, uint64(len(records)))
	for _, r := range records {
		out = binary.AppendUvarint(out, r.size)
		out = binary.AppendUvarint(out, r.content)
	}
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
	footer := binary.LittleEndian.AppendUint32(nil, uint32((len(out)-start)/4-1))
	footer = append(footer, flags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	return append(append(out, footer...), footerMagic...)
}
