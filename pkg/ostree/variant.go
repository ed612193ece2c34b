package ostree

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// LoadVariant reads a commit, dirtree, dirmeta or detached metadata object as
// the value that it is stored as. Numbers are in the byte order of the format,
// which is big-endian for most, see [gvariant.Value.Byteswap].
func (r *Repo) LoadVariant(ctx context.Context, name ObjectName) (gvariant.Value, error) {
	if err := ctx.Err(); err != nil {
		return gvariant.Value{}, err
	}
	typ, err := variantType(name)
	if err != nil {
		return gvariant.Value{}, err
	}
	return readDecoded(r.store, name, func(data []byte) (gvariant.Value, error) { return gvariant.Parse(typ, data) })
}

func variantType(name ObjectName) (string, error) {
	switch name.Type {
	case ObjectCommit:
		return commitType, nil
	case ObjectDirTree:
		return dirTreeType, nil
	case ObjectDirMeta:
		return "(uuua(ayay))", nil
	case ObjectCommitMeta, ObjectTombstone:
		return "a{sv}", nil
	}
	return "", fmt.Errorf("%s is not stored as one value", name)
}
