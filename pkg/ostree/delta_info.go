package ostree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A DeltaInfo describes a static delta.
type DeltaInfo struct {
	Delta     DeltaName
	Signed    bool // whether there is a signature; it was not verified
	BigEndian bool // byte order of the sizes in the superblock
	// Guessed says that the superblock is so old that it does not say which byte
	// order it has.
	Guessed   bool
	Timestamp time.Time
	Metadata  Metadata // as the superblock holds it, without parts that lie within
	Parents   int      // deltas to apply before this one
	Fallbacks []DeltaFallback
	Parts     []DeltaPartInfo
}

// A DeltaFallback is an object that a delta leaves out, because it is large and
// new. Clients fetch it by itself.
type DeltaFallback struct {
	Object  ObjectName
	Size    uint64 // compressed, in bytes
	Content uint64 // uncompressed, in bytes
}

// A DeltaPartInfo describes a part of a delta.
type DeltaPartInfo struct {
	Objects int
	Size    uint64 // of the part, in bytes
	Content uint64 // of the objects that it makes, in bytes

	Modes, Xattrs int // entries of its tables
	Payload, Ops  int // bytes
	// How many operations of each kind it has.
	Whole, Open, Write, SetSource, UnsetSource, Close, Patch int
}

// DeltaInfo reads a static delta and describes it. It is a
// [*DeltaNotFoundError] if there is no such delta.
func (r *Repo) DeltaInfo(ctx context.Context, n DeltaName) (*DeltaInfo, error) {
	info, err := ReadDeltaInfo(ctx, filepath.Join(r.path, n.Path()))
	if errors.Is(err, fs.ErrNotExist) {
		if exists, statErr := r.hasDelta(n); statErr == nil && !exists {
			return nil, &DeltaNotFoundError{Delta: n}
		}
	}
	return info, err
}

// ReadDeltaInfo describes a static delta that lies in files: path is the
// directory of one, or a single file that holds all of it.
func ReadDeltaInfo(ctx context.Context, path string) (*DeltaInfo, error) {
	var info *DeltaInfo
	err := withSuperblock(path, func(s *superblock, dir string) (err error) {
		info, err = s.info(ctx, dir)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("static delta %s: %w", path, err)
	}
	return info, nil
}

func (s *superblock) info(ctx context.Context, dir string) (*DeltaInfo, error) {
	info := &DeltaInfo{
		Delta: s.name, Signed: s.signed != nil, BigEndian: s.order == binary.BigEndian, Guessed: s.guessed,
		Timestamp: s.timestamp, Parents: s.parents,
	}
	for _, f := range s.fallbacks {
		info.Fallbacks = append(info.Fallbacks, DeltaFallback{Object: f.object, Size: f.size, Content: f.content})
	}
	for i := range s.parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := s.partInfo(i, dir)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		info.Parts = append(info.Parts, p)
	}
	var err error
	info.Metadata, err = s.ownMetadata()
	return info, err
}

// ownMetadata copies the metadata that is about the delta itself.
func (s *superblock) ownMetadata() (Metadata, error) {
	var m Metadata
	for _, e := range s.metadata {
		if strings.HasPrefix(e.Key, s.name.Path()+"/") {
			continue
		}
		v, err := gvariant.Parse(e.Value.Type(), bytes.Clone(e.Value.Data()))
		if err != nil {
			return nil, err
		}
		m = append(m, MetadataEntry{Key: e.Key, Value: v})
	}
	return m, nil
}

func (s *superblock) partInfo(i int, dir string) (DeltaPartInfo, error) {
	part, err := s.openPartFile(blobMaker{}, i, dir)
	if err != nil {
		return DeltaPartInfo{}, err
	}
	header := &s.parts[i]
	book, err := part.read(header.objects)
	if err != nil {
		return DeltaPartInfo{}, errors.Join(err, part.close())
	}
	return DeltaPartInfo{
		Objects: len(header.objects), Size: header.size, Content: header.content,
		Modes: len(part.modes), Xattrs: len(part.xattrs), Payload: len(part.payload), Ops: len(part.ops),
		Whole: book.counts[opWhole], Open: book.counts[opOpen], Write: book.counts[opWrite],
		SetSource: book.counts[opSetSource], UnsetSource: book.counts[opUnsetSource],
		Close: book.counts[opClose], Patch: book.counts[opPatch],
	}, part.close()
}
