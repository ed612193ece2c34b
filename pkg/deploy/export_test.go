package deploy

// SetAfter makes tests notice, and stop at, the named steps of changes.
func (s *Sysroot) SetAfter(after func(step string)) { s.after = after }

// Insert is where Retain decides.
func (r Retain) Insert(list []Deployment, d Deployment, merge *Deployment, notDefault bool) []Deployment {
	return r.insert(list, d, merge, notDefault)
}

// What the tests of parsers need.
var (
	ParseOSRelease = parseOSRelease
	SystemName     = systemName
)

// ParseBootLink hides the unexported result type.
func ParseBootLink(text string) (stateroot, bootChecksum string, serial int, err error) {
	link, err := parseBootLink(text)
	return link.stateroot, link.bootChecksum, link.serial, err
}

// ParseStaged hides the unexported result type.
func ParseStaged(data []byte) (Deployment, error) {
	staged, err := parseStaging(data)
	if err != nil {
		return Deployment{}, err
	}
	return staged.target, nil
}

// PretendFAT makes a sysroot take a directory for a FAT file system as long as mounted says so: many kernels
// that run tests have no FAT.
func (s *Sysroot) PretendFAT(mounted func(path string) bool) { s.isFAT = mounted }
