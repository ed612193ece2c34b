package ostree

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A superblock describes a static delta. All slices in it refer to the bytes
// that it was read from.
type superblock struct {
	name      DeltaName
	metadata  Metadata // of the user, inline parts, byte order and so on
	timestamp time.Time
	commit    []byte // the whole object, whose checksum is name.To
	parents   int    // deltas that have to be applied before, always none so far
	parts     []deltaPart
	fallbacks []deltaFallback

	order     binary.ByteOrder // of the sizes
	guessed   bool             // the superblock does not say which order that is
	signed    []byte           // what signatures sign, nil if it is not signed
	signature Metadata         // as in detached metadata
}

// A deltaPart is one file of a delta. It makes its objects in their order.
type deltaPart struct {
	version  uint32
	checksum Checksum // of the file
	size     uint64   // of the file, in bytes
	content  uint64   // of the objects, in bytes
	objects  []ObjectName
}

// A deltaFallback is an object that the delta leaves out: it is fetched by
// itself.
type deltaFallback struct {
	object  ObjectName
	size    uint64 // compressed
	content uint64
}

const (
	superblockType       = "(a{sv}tayay" + commitType + "aya(uayttay)a(yaytt))"
	signedSuperblockType = "(taya{sv})"
	// signedDeltaMagic is the first member of a signed superblock.
	signedDeltaMagic = "OSTSGNDT"
	// deltaEndiannessKey holds the letter of the byte order.
	deltaEndiannessKey = "ostree.endianness"
	deltaLittleEndian  = 'l'
	deltaBigEndian     = 'B'
	// deltaObjectSize is the length of an object's name in the list of a part:
	// one byte for the type and its checksum.
	deltaObjectSize = 1 + 32
	// maxDeltaObjects bounds what a superblock can make a reader allocate.
	maxDeltaObjects = 1 << 24
)

// parseSuperblock reads a superblock, which may be signed. Signatures are not
// verified.
func parseSuperblock(data []byte) (*superblock, error) {
	s := &superblock{}
	if len(data) >= len(signedDeltaMagic) && string(data[:len(signedDeltaMagic)]) == signedDeltaMagic {
		v, err := gvariant.Parse(signedSuperblockType, data)
		if err != nil {
			return nil, fmt.Errorf("signed superblock: %w", err)
		}
		if s.signed, err = bytesAt(v, 1); err != nil {
			return nil, err
		}
		signatures, err := v.At(2)
		if err != nil {
			return nil, err
		}
		if s.signature, err = decodeMetadata(signatures); err != nil {
			return nil, fmt.Errorf("signatures: %w", err)
		}
		data = s.signed
	}
	if err := s.parse(data); err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	return s, nil
}

func (s *superblock) parse(data []byte) error {
	v, err := gvariant.Parse(superblockType, data)
	if err != nil {
		return err
	}
	metadata, err := v.At(0)
	if err != nil {
		return err
	}
	if s.metadata, err = decodeMetadata(metadata); err != nil {
		return err
	}
	if s.timestamp, err = bigEndianTime(v, 1); err != nil {
		return err
	}
	if err := s.parseCommits(v); err != nil {
		return err
	}
	if err := s.parseLists(v); err != nil {
		return err
	}
	return s.findOrder()
}

// parseCommits reads what the delta starts from and what it leads to.
func (s *superblock) parseCommits(v gvariant.Value) error {
	from, err := bytesAt(v, 2)
	if err != nil {
		return err
	}
	if len(from) > 0 {
		if s.name.From, err = checksumAt(v, 2); err != nil {
			return err
		}
	}
	if s.name.To, err = checksumAt(v, 3); err != nil {
		return err
	}
	commit, err := v.At(4)
	if err != nil {
		return err
	}
	s.commit = commit.Data()
	if c := Checksum(sha256.Sum256(s.commit)); c != s.name.To {
		return fmt.Errorf("it is to lead to commit %s and holds commit %s", s.name.To, c)
	}
	parents, err := bytesAt(v, 5)
	if err != nil {
		return err
	}
	if len(parents)%(2*len(Checksum{})) != 0 {
		return fmt.Errorf("list of parents of %d bytes", len(parents))
	}
	s.parents = len(parents) / (2 * len(Checksum{}))
	return nil
}

func (s *superblock) parseLists(v gvariant.Value) error {
	parts, err := v.At(6)
	if err != nil {
		return err
	}
	objects := 0
	s.parts = make([]deltaPart, 0, parts.Len())
	for i, header := range parts.Children() {
		p, err := parseDeltaPart(header)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		if objects += len(p.objects); objects > maxDeltaObjects {
			return fmt.Errorf("more than %d objects", maxDeltaObjects)
		}
		s.parts = append(s.parts, p)
	}
	fallbacks, err := v.At(7)
	if err != nil {
		return err
	}
	s.fallbacks = make([]deltaFallback, 0, fallbacks.Len())
	for i, header := range fallbacks.Children() {
		f, err := parseDeltaFallback(header)
		if err != nil {
			return fmt.Errorf("fallback %d: %w", i, err)
		}
		s.fallbacks = append(s.fallbacks, f)
	}
	return nil
}

// parseDeltaPart reads a header of type (uayttay). Sizes are taken to be in
// little-endian order.
func parseDeltaPart(header gvariant.Value) (p deltaPart, err error) {
	version, err := header.At(0)
	if err != nil {
		return p, err
	}
	// Every known version is zero, in any order.
	if p.version, err = version.Uint32(); err != nil || p.version != 0 {
		return p, errors.Join(err, fmt.Errorf("version %d is not known", p.version))
	}
	if p.checksum, err = checksumAt(header, 1); err != nil {
		return p, err
	}
	if p.size, err = uint64At(header, 2); err != nil {
		return p, err
	}
	if p.content, err = uint64At(header, 3); err != nil {
		return p, err
	}
	objects, err := bytesAt(header, 4)
	if err != nil {
		return p, err
	}
	if len(objects)%deltaObjectSize != 0 {
		return p, fmt.Errorf("list of objects of %d bytes", len(objects))
	}
	p.objects = make([]ObjectName, 0, len(objects)/deltaObjectSize)
	for ; len(objects) > 0; objects = objects[deltaObjectSize:] {
		n, err := deltaObject(objects[0], objects[1:deltaObjectSize])
		if err != nil {
			return p, err
		}
		p.objects = append(p.objects, n)
	}
	return p, nil
}

func parseDeltaFallback(header gvariant.Value) (f deltaFallback, err error) {
	t, err := header.At(0)
	if err != nil {
		return f, err
	}
	objectType, err := t.Byte()
	if err != nil {
		return f, err
	}
	c, err := checksumAt(header, 1)
	if err != nil {
		return f, err
	}
	if f.object, err = deltaObject(objectType, c[:]); err != nil {
		return f, err
	}
	if f.size, err = uint64At(header, 2); err != nil {
		return f, err
	}
	f.content, err = uint64At(header, 3)
	return f, err
}

// deltaObject checks that an object is of a type that trees consist of. A commit
// is not: it would get past whoever verifies signatures.
func deltaObject(t byte, checksum []byte) (ObjectName, error) {
	switch t := ObjectType(t); t {
	case ObjectFile, ObjectDirTree, ObjectDirMeta:
		return ObjectName{Checksum(checksum), t}, nil
	default:
		return ObjectName{}, fmt.Errorf("%s does not belong in a delta", t)
	}
}

func uint64At(v gvariant.Value, i int) (uint64, error) {
	child, err := v.At(i)
	if err != nil {
		return 0, err
	}
	return child.Uint64()
}

func bigEndianTime(v gvariant.Value, i int) (time.Time, error) {
	stamp, err := v.At(i)
	if err != nil {
		return time.Time{}, err
	}
	seconds := int64(binary.BigEndian.Uint64(stamp.Data())) // before 1970 it is negative, although the type is unsigned
	if seconds > maxTime || seconds < -maxTime {
		return time.Time{}, fmt.Errorf("timestamp %d is out of range", seconds)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
