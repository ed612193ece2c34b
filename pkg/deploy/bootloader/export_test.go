package bootloader

// What the fuzz tests need.
var (
	ForeignLabels   = foreignLabels
	ParseMirrorName = func(file string) (string, bool) {
		name, ok := parseMirrorName(file)
		return name.String(), ok && !name.pending
	}
)
