package oci

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// ReadLayer reads a layer as Import does, of the commit, of files or derived, whatever
// its digests are.
func ReadLayer(ctx context.Context, w *ostree.Writer, layer io.Reader, kind int) error {
	in := &layerReader{layer: v1.Descriptor{Size: 1 << 20}}
	if err := in.start(ctx, io.NopCloser(layer)); err != nil {
		return err
	}
	defer in.release()
	if kind == 2 {
		d := &derivedLayer{ctx: ctx, in: in, w: w, tree: ostree.NewTree(plainDir), changed: make(map[string]ostree.Checksum)}
		if err := d.in.each(d.entry); err != nil {
			return err
		}
		base := ostree.NewTree(plainDir)
		return mergeDir(base, d.tree, "")
	}
	o := newObjectLayer(ctx, in, w, kind == 0)
	if err := o.in.each(o.entry); err != nil || o.found.IsZero() {
		return err
	}
	return o.complete()
}

// Pack gives the sizes of the layers that components of some sizes are packed into.
func Pack(sizes []int64, changes []int, limit int) [][]int64 {
	groups := make([]*group, len(sizes))
	for i := range sizes {
		groups[i] = &group{source: string(rune('a' + i)), size: sizes[i], changes: changes[i]}
	}
	var out [][]int64
	for _, bin := range pack(groups, limit) {
		var one []int64
		for _, g := range bin {
			one = append(one, g.size)
		}
		out = append(out, one)
	}
	return out
}
