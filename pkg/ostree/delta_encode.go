package ostree

import (
	"context"
	"math/bits"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// encodeSuperblock serialises the superblock of a delta, with its parts if they
// are to be in it, and signs it if that is wanted.
func (p *deltaPlan) encodeSuperblock(ctx context.Context, parts []*sealedPart) ([]byte, error) {
	metadata, err := p.superblockMetadata(parts)
	if err != nil {
		return nil, err
	}
	commit, err := gvariant.Parse(commitType, p.commit)
	if err != nil {
		return nil, corrupt(p.name.To.String(), err)
	}
	var from []byte
	if !p.name.From.IsZero() {
		from = p.name.From[:]
	}
	data := gvariant.Tuple(
		metadata.encode(),
		timeValue(p.opts.Timestamp),
		gvariant.Bytes(from),
		gvariant.Bytes(p.name.To[:]),
		commit,
		gvariant.Bytes(nil), // deltas to apply before
		p.partHeaders(parts),
		p.fallbackHeaders(),
	).Data()
	if len(p.opts.Signers) == 0 {
		return data, nil
	}
	return signSuperblock(ctx, data, p.opts.Signers)
}

func (p *deltaPlan) superblockMetadata(parts []*sealedPart) (Metadata, error) {
	m := append(Metadata(nil), p.opts.Metadata...)
	order := byte(deltaLittleEndian)
	if p.opts.BigEndian {
		order = deltaBigEndian
	}
	m.Set(deltaEndiannessKey, gvariant.Byte(order))
	for i, part := range parts {
		if part.data == nil {
			continue
		}
		m.Set(p.name.partPath(i), gvariant.Tuple(gvariant.Byte(part.data[0]), gvariant.Bytes(part.data[1:])))
	}
	detached, err := p.repo.store.detached(p.name.To)
	if err != nil {
		return nil, err
	}
	if len(detached) > 0 {
		m.Set(p.name.detachedKey(), detached.encode())
	}
	return m, nil
}

func (p *deltaPlan) partHeaders(parts []*sealedPart) gvariant.Value {
	list := make([]gvariant.Value, len(parts))
	for i, part := range parts {
		list[i] = gvariant.Tuple(
			gvariant.Uint32(0), // version
			gvariant.Bytes(part.sum[:]),
			p.sizeValue(uint64(part.size)),
			p.sizeValue(uint64(part.writer.content)),
			gvariant.Bytes(part.writer.objects),
		)
	}
	return gvariant.Array("(uayttay)", list...)
}

func (p *deltaPlan) fallbackHeaders() gvariant.Value {
	var list []gvariant.Value
	for _, f := range p.report.Fallbacks {
		list = append(list, gvariant.Tuple(
			gvariant.Byte(byte(f.Object.Type)),
			gvariant.Bytes(f.Object.Checksum[:]),
			p.sizeValue(f.Size),
			p.sizeValue(f.Content),
		))
	}
	return gvariant.Array("(yaytt)", list...)
}

func (p *deltaPlan) sizeValue(n uint64) gvariant.Value {
	if p.opts.BigEndian {
		n = bits.ReverseBytes64(n)
	}
	return gvariant.Uint64(n)
}
