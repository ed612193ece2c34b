package ostree

import (
	"bytes"
	"context"
	"slices"
)

// An objectIndex lists the objects of a store. A repository can have millions:
// 33 bytes for each and nothing that the garbage collector would have to look at.
type objectIndex struct {
	dirs [256][]indexName // by the first byte of the checksum, sorted
}

type indexName struct {
	sum  Checksum
	kind uint8 // ObjectType
}

func (n indexName) object() ObjectName { return ObjectName{n.sum, ObjectType(n.kind)} }

func compareNames(a, b indexName) int {
	if c := bytes.Compare(a.sum[:], b.sum[:]); c != 0 {
		return c
	}
	return int(a.kind) - int(b.kind)
}

// index lists the objects of this store that other objects refer to, and hands
// those of all other types to rest, which is called by several goroutines.
func (s *store) index(ctx context.Context, rest func(ObjectName) error) (*objectIndex, error) {
	x := &objectIndex{}
	err := eachDir(ctx, func(_ context.Context, first byte, buf []byte) error {
		err := s.eachIn(first, buf, func(n ObjectName) error {
			switch n.Type {
			case ObjectFile, ObjectDirTree, ObjectDirMeta, ObjectCommit:
				x.dirs[first] = append(x.dirs[first], indexName{n.Checksum, uint8(n.Type)})
				return nil
			case ObjectTombstone, ObjectCommitMeta, ObjectPayloadLink, ObjectFileXattrs, ObjectFileXattrsLink:
			}
			return rest(n)
		})
		slices.SortFunc(x.dirs[first], compareNames)
		return err
	})
	return x, err
}

// find returns the place of an object in the list of its directory.
func (x *objectIndex) find(t ObjectType, c *Checksum) (int, bool) {
	return slices.BinarySearchFunc(x.dirs[c[0]], indexName{*c, uint8(t)}, compareNames)
}

// commits lists the commits in the index, in order.
func (x *objectIndex) commits() []Checksum {
	var commits []Checksum
	for _, names := range x.dirs {
		for _, n := range names {
			if ObjectType(n.kind) == ObjectCommit {
				commits = append(commits, n.sum)
			}
		}
	}
	return commits
}
