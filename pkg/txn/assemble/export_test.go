package assemble

// For tests in package assemble_test.
var (
	OpenCage     = openCage
	EssentialSet = essentialSet
	Without      = without
	SeedAccounts = seedAccounts
	NewScratch   = newScratch
	RemoveDocs   = removeDocFiles
)

// Describe is what parseStatusLine and parseScriptFailure make of a line.
func Describe(line string) (kind, subject, value, script string, code int, ok bool) {
	parsed, ok := parseStatusLine(line)
	if !ok {
		return "", "", "", "", 0, false
	}
	kind = [...]string{"processing", "state", "error", "prompt"}[parsed.kind]
	failure, _ := parseScriptFailure(parsed.value)
	return kind, parsed.subject, parsed.value, failure.script, failure.code, true
}

// ScriptPhase is scriptPhase.
func ScriptPhase(action, state string) string { return scriptPhase(action, state) }

// FilterSkips tells whether options like those of dpkg.cfg leave a path out.
func FilterSkips(options []string, name string, dirOrLink bool) (bool, error) {
	f, err := parseFilter(options)
	return f.skips(name, dirOrLink), err
}
