package ostree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// DeltaOptions say how [Repo.GenerateDelta] makes a static delta. The zero value
// makes one like libostree does. Sizes are in bytes.
type DeltaOptions struct {
	// Inline puts the parts into the superblock, so that the delta is one file.
	Inline bool
	// MinFallback is the size from which on a new file is left out, for clients
	// to fetch by itself. Zero means 4,000,000; negative leaves nothing out.
	MinFallback int64
	// MaxPatched is the size up to which a file is compared with the old one byte
	// by byte. Larger ones are compared in blocks. Zero means 128,000,000;
	// negative compares none byte by byte.
	MaxPatched int64
	// MaxPart is how large a part becomes before the next one is begun, not
	// compressed. Zero means 32,000,000.
	MaxPart int64
	// File is where the superblock is written, and the parts beside it. Empty
	// means the directory of deltas of the repository.
	File string
	// BigEndian writes sizes in big-endian order, as a machine of that kind would.
	BigEndian bool
	// Timestamp is the time of the delta. Zero means now.
	Timestamp time.Time
	// Metadata is added to the superblock.
	Metadata Metadata
	// Signers sign the superblock.
	Signers []sign.Signer
	// Progress, if set, is called after each file that was compared, from one
	// goroutine at a time.
	Progress func(DeltaProgress)
}

// A DeltaProgress counts files that are compared with old ones.
type DeltaProgress struct{ Done, Total int }

// A DeltaReport says what a static delta was made of. Sizes are in bytes.
type DeltaReport struct {
	Delta    DeltaName
	Modified int // new files that are like an old one
	// New objects by kind.
	Metadata, Regular, Symlinks int
	// Copied counts files that are put together from pieces of old ones,
	// CopiedBytes the bytes of these pieces; Patched counts files that are old
	// ones with a patch.
	Copied      int
	CopiedBytes int64
	Patched     int
	Fallbacks   []DeltaFallback
	Parts       []DeltaReportPart
	Loose       int64 // what the new objects take in the repository
}

// A DeltaReportPart describes a part of a delta that was made.
type DeltaReportPart struct {
	Objects int
	Size    uint64 // of the part
	Content uint64 // of the objects that it makes
}

const (
	defaultMinFallback = 4_000_000
	defaultMaxPatched  = 128_000_000
	defaultMaxPart     = 32_000_000
)

func (o *DeltaOptions) setDefaults(now time.Time) error {
	if o.MinFallback == 0 {
		o.MinFallback = defaultMinFallback
	}
	if o.MaxPatched == 0 {
		o.MaxPatched = defaultMaxPatched
	}
	if o.MaxPart == 0 {
		o.MaxPart = defaultMaxPart
	}
	if o.MaxPart < 0 {
		return fmt.Errorf("a part cannot have %d bytes", o.MaxPart)
	}
	if o.Timestamp.IsZero() {
		o.Timestamp = now
	}
	return o.Metadata.check()
}

// GenerateDelta makes a static delta that turns one commit into another. A zero
// from makes one for clients that have nothing. An older delta of the same name
// is replaced.
//
// New files are compared with files of the old commit that have a similar name
// and size. Files and parts are worked on at the same time, as GOMAXPROCS
// permits; the result does not depend on it. Memory is bounded by about ten
// times the largest file that is compared byte by byte, and by a few parts.
func (r *Repo) GenerateDelta(ctx context.Context, from, to Checksum, opts DeltaOptions) (report *DeltaReport, err error) {
	name := DeltaName{From: from, To: to}
	defer func() {
		if err != nil {
			err = fmt.Errorf("generate static delta %s: %w", name, err)
		}
	}()
	if err := opts.setDefaults(r.now()); err != nil {
		return nil, err
	}
	if opts.File == "" {
		if err := r.checkDeltasWritable(); err != nil {
			return nil, err
		}
	}
	unlock, err := r.Lock(ctx, Shared)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	plan, err := r.planDelta(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	out, err := r.newDeltaOutput(opts)
	if err != nil {
		return nil, err
	}
	if err := out.build(ctx, plan); err != nil {
		return nil, errors.Join(err, out.discard())
	}
	return plan.report, nil
}

func (r *Repo) checkDeltasWritable() error {
	if !r.writable {
		return errors.New("no permission to write")
	}
	return nil
}
