package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdStaticDeltaShow() *command {
	return &command{
		name: "show", operands: "DELTA", summary: "Dump information on a delta",
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("DELTA must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			name, err := ostree.ParseDeltaName(args[0])
			if err != nil {
				return err
			}
			info, err := repo.DeltaInfo(ctx, name)
			if err != nil {
				return err
			}
			e.printDelta(info)
			return nil
		},
	}
}

func (e *env) printDelta(info *ostree.DeltaInfo) {
	e.printf("Delta: %s\nSigned: %s\n", info.Delta, yesNo(info.Signed))
	if info.Delta.From.IsZero() {
		e.println("From <scratch>")
	} else {
		e.printf("From: %s\n", info.Delta.From)
	}
	e.printf("To: %s\nEndianness: %s\n", info.Delta.To, endianness(info))
	e.printf("Timestamp: %d\nNumber of parents: %d\n", info.Timestamp.Unix(), info.Parents)
	fallback := e.printFallbacks(info.Fallbacks)
	parts := e.printParts(info.Parts)
	e.printSizes("Part ", parts)
	e.printSizes("", deltaSizes{fallback.stored + parts.stored, fallback.content + parts.content})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func endianness(info *ostree.DeltaInfo) string {
	text := "little"
	if info.BigEndian {
		text = "big"
	}
	if info.Guessed {
		text += " (heuristic)"
	}
	return text
}

// deltaSizes are the sums of two kinds of sizes.
type deltaSizes struct{ stored, content uint64 }

func (e *env) printSizes(what string, s deltaSizes) {
	e.printf("Total %sSize: %d (%s)\n", what, s.stored, formatSize(s.stored))
	e.printf("Total %sUncompressed Size: %d (%s)\n", what, s.content, formatSize(s.content))
}

func (e *env) printFallbacks(list []ostree.DeltaFallback) deltaSizes {
	var sum deltaSizes
	e.printf("Number of fallback entries: %d\n", len(list))
	for _, f := range list {
		e.printf("  %s\n", f.Object.Checksum)
		sum.stored += f.Size
		sum.content += f.Content
	}
	e.printSizes("Fallback ", sum)
	return sum
}

func (e *env) printParts(list []ostree.DeltaPartInfo) deltaSizes {
	var sum deltaSizes
	e.printf("Number of parts: %d\n", len(list))
	for i, p := range list {
		e.printf("PartMeta%d: nobjects=%d size=%d usize=%d\n", i, p.Objects, p.Size, p.Content)
		e.printf("PartPayload%d: nmodes=%d nxattrs=%d blobsize=%d opsize=%d\n", i, p.Modes, p.Xattrs, p.Payload, p.Ops)
		e.printf("PartPayloadOps%d: openspliceclose=%d open=%d write=%d setread=%d unsetread=%d close=%d bspatch=%d\n",
			i, p.Whole, p.Open, p.Write, p.SetSource, p.UnsetSource, p.Close, p.Patch)
		sum.stored += p.Size
		sum.content += p.Content
	}
	return sum
}
