package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

var update = flag.Bool("update", false, "write the tables of docs/compatibility.md anew")

const compatibilityFile = "../../docs/compatibility.md"

// compatRow is a row of a table: what it is about, whether it is here, and why not.
var compatRow = regexp.MustCompile("^\\| `([^|]*)` \\| (yes|no|differs) \\| (.*?) ?\\|$")

// notYet is the reason of what is only a matter of time.
const notYet = "not yet"

// TestCompatibility holds the tables against the program: what they call here is here, what they call
// absent is not, and each difference has a reason.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(compatibilityFile)
	require.NoError(t, err)
	checks := map[string]func(string) bool{
		"Commands and options": hasCommand(cli.Command()),
		"JSON keys":            hasJSONKey,
		"Status fields":        hasText(t, "*.go"),
		"Origin keys":          hasOriginKey,
		"D-Bus members":        hasMember(t),
	}
	lines := strings.Split(string(text), "\n")
	section, rows := "", map[string]int{}
	var wrong []string
	for i, line := range lines {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		row := compatRow.FindStringSubmatch(line)
		if row == nil {
			require.False(t, strings.HasPrefix(line, "| `"), "line %d is no row: %s", i+1, line)
			continue
		}
		check := checks[section]
		require.NotNil(t, check, section)
		rows[section]++
		what, state, why := row[1], row[2], row[3]
		here := check(strings.ReplaceAll(what, "`", ""))
		switch {
		case here && why == notYet && testing.Short() && !*update:
			t.Logf("%s: %s is here now", section, what) // the table may follow in a change of its own
			continue
		case here && state == "no":
			state, why = "yes", ""
		case !here && state != "no":
			state, why = "no", notYet
		case state == "yes" && why != "", state != "yes" && why == "":
			wrong = append(wrong, fmt.Sprintf("%s: %s needs a reason, and yes has none", section, what))
			continue
		default:
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: `%s` should be %s %s", section, what, state, why))
		lines[i] = fmt.Sprintf("| `%s` | %s | %s |", what, state, why)
	}
	for name := range checks {
		require.NotZero(t, rows[name], name)
	}
	if *update {
		require.NoError(t, os.WriteFile(compatibilityFile, []byte(strings.Join(lines, "\n")), 0o644))
		return
	}
	require.Empty(t, wrong, "correct docs/compatibility.md, or run: go test ./internal/cli -run Compatibility -update")
}

// hasCommand looks up "COMMAND [SUBCOMMAND] [--OPTION]", hidden ones too.
func hasCommand(root *cobra.Command) func(string) bool {
	return func(what string) bool {
		c := root
		for word := range strings.FieldsSeq(what) {
			if name, ok := strings.CutPrefix(word, "--"); ok {
				return option(c, name)
			}
			next := c
			for _, sub := range c.Commands() {
				if sub.Name() == word || sub.HasAlias(word) {
					next = sub
				}
			}
			if next == c {
				return false
			}
			c = next
		}
		return true
	}
}

// option tells whether a command has an option; those of the root are those of the program or of every
// command on a system, of which status is one.
func option(c *cobra.Command, name string) bool {
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	if c.Flags().Lookup(name) != nil || c.InheritedFlags().Lookup(name) != nil || c.PersistentFlags().Lookup(name) != nil {
		return true
	}
	if c.HasParent() {
		return false
	}
	for _, sub := range c.Commands() {
		if sub.Name() == "status" {
			return option(sub, name)
		}
	}
	return false
}

// documents are the JSON documents by the names that the table has for them.
var documents = map[string]reflect.Type{
	"status": reflect.TypeFor[txn.Status](), "deployment": reflect.TypeFor[txn.DeploymentStatus](),
	"cached-update": reflect.TypeFor[txn.CachedUpdate](), "history": reflect.TypeFor[cli.HistoryEntry](),
	"update-driver": reflect.TypeFor[txn.UpdateDriver](),
}

func hasJSONKey(what string) bool {
	document, key, _ := strings.Cut(what, " ")
	return hasTag(documents[document], key)
}

func hasTag(t reflect.Type, key string) bool {
	for field := range t.Fields() {
		if field.Anonymous && hasTag(field.Type, key) {
			return true
		}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == key {
			return true
		}
	}
	return false
}

// hasOriginKey knows a key if a field of the origin has it afterwards; others are just kept.
func hasOriginKey(what string) bool {
	group, key, _ := strings.Cut(what, " ")
	o, err := origin.Parse(fmt.Appendf(nil, "%s\n%s=true\n", group, key))
	if err != nil {
		return false
	}
	v := reflect.ValueOf(*o)
	for field := range v.Type().Fields() {
		if field.IsExported() && !v.FieldByIndex(field.Index).IsZero() {
			return true
		}
	}
	return false
}

// hasText looks for a word in the text of files, as a Go string.
func hasText(t *testing.T, pattern string) func(string) bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(text)
	}
	return func(word string) bool {
		for _, form := range []string{`"%s"`, `"%s:`, `"%s: `, `+"%s"`, `"  %s: `} {
			if strings.Contains(all.String(), fmt.Sprintf(form, word)) {
				return true
			}
		}
		return false
	}
}

// hasMember looks for INTERFACE.MEMBER in the description of the D-Bus interfaces.
func hasMember(t *testing.T) func(string) bool {
	t.Helper()
	files, err := filepath.Glob("../busapi/*.xml")
	require.NoError(t, err)
	var text strings.Builder
	for _, name := range files {
		one, err := os.ReadFile(name)
		require.NoError(t, err)
		text.Write(one)
	}
	return func(what string) bool {
		name, member, _ := strings.Cut(what, ".")
		_, body, found := strings.Cut(text.String(), `.`+name+`">`)
		body, _, _ = strings.Cut(body, "</interface>")
		return found && busapi.Unsupported()[what] == "" && strings.Contains(body, `name="`+member+`"`)
	}
}
