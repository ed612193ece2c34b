package assemble

// countSteps is the number of steps to report: two for each package, one for
// each script, and one each for the initramfs and the commit.
func (b *builder) countSteps() int {
	total := 2*len(unpacked(b.in.Batches)) + len(b.in.Purge) + len(b.in.Postprocess) + 1
	if b.in.Initramfs {
		total++
	}
	return total
}

// progress reports what begins, with steps more done than before.
func (b *builder) progress(item string, steps int) {
	b.done = min(b.done+steps, b.total)
	if b.in.Report != nil {
		b.in.Report(Progress{Item: item, Done: b.done, Total: b.total})
	}
}

// count turns dpkg's reports into progress. dpkg may pass a state more than
// once; the first time counts.
func (b *builder) count(line statusLine) {
	switch line.kind {
	case lineProcessing:
		b.progress(verbOf(line.value)+" "+bareName(line.subject), 0)
	case lineState:
		key := line.value + " " + line.subject
		if b.counted[key] {
			return
		}
		switch line.value {
		case "unpacked", "installed", "not-installed":
			b.counted[key] = true
			b.progress(line.value+" "+bareName(line.subject), 1)
		}
	case lineError, linePrompt:
	}
}
