package listfile

import "bytes"

// Seal gives a file the checksums that its tables and its head would have.
func Seal(data []byte) []byte {
	if len(data) < headSize {
		return data
	}
	data = bytes.Clone(data)
	copy(data, magic)
	from := order.Uint64(data[len(magic):])
	to := order.Uint64(data[len(magic)+summaryPool*16:])
	if from <= to && to <= uint64(len(data)) {
		order.PutUint32(data[headSize-3*number:], checksum(data[from:to]))
	}
	order.PutUint32(data[headSize-number:], checksum(data[:headSize-number]))
	return data
}
