package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON, verbose, advisories, booted, pretty, pending77 bool
	var expression string
	c := &cobra.Command{
		Use:     "status",
		Example: "  apt-ostree status -J '$.deployments[0].version'",
		Short:   "Show the deployments",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			status, policy, err := a.status(c.Context())
			if err != nil {
				return err
			}
			all := status.Deployments
			if booted {
				status.Deployments = slices.DeleteFunc(slices.Clone(all), func(d txn.DeploymentStatus) bool { return !d.Booted })
			}
			switch {
			case expression != "":
				err = a.queryStatus(status, expression)
			case asJSON:
				err = a.printJSON(status)
			default:
				var view statusView
				if view, err = a.viewStatus(c.Context(), status, verbose, advisories); err == nil {
					view.automatic = a.viewAutomatic(c.Context(), policy, status.UpdateDriver)
					a.printStatus(status, booted, view)
				}
			}
			if err != nil {
				return err
			}
			if pending77 && len(all) > 1 && !all[0].Booted {
				return exitCodeError(exitUnchanged)
			}
			return nil
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVarP(&expression, "jsonpath", "J", "", "print what this JSONPath `EXPRESSION` finds in the JSON")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "print all fields")
	c.Flags().BoolVarP(&advisories, "advisories", "a", false, "print each security update")
	c.Flags().BoolVarP(&pretty, "pretty", "p", false, "does nothing")
	hide(c, "pretty")
	c.Flags().BoolVarP(&booted, "booted", "b", false, "only the booted deployment")
	c.Flags().BoolVar(&pending77, "pending-exit-77", false, "exit with 77 if another deployment than the booted one is the default")
	return c
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (a *app) printStatus(status *txn.Status, booted bool, v statusView) {
	state := "idle"
	if len(status.Transaction) > 0 {
		state = "busy"
	}
	a.printf("State: %s\n", state)
	if status.FinalizeFailure != "" {
		a.printf("Warning: the last shutdown did not finalize the staged deployment: %s\n", status.FinalizeFailure)
	}
	a.printAutomatic(status.UpdateDriver, v)
	if len(status.Transaction) > 0 {
		a.printf("Transaction: %s\n", status.Transaction[0])
		a.printf("  Initiator: caller %s\n", status.Transaction[1])
	}
	if booted {
		a.printf("BootedDeployment:\n")
	} else {
		a.printf("Deployments:\n")
	}
	for i, d := range status.Deployments {
		if i > 0 {
			a.printf("\n")
		}
		a.printDeploymentIn(d, i, v)
	}
	a.printAvailableUpdate(status.CachedUpdate, v)
}

// bullet marks the booted deployment.
func (a *app) bullet() string { return a.glyph("●", "*") }

// glyph chooses the plain form where the locale is not UTF-8.
func (a *app) glyph(fancy, plain string) string {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := a.Getenv(name); v != "" {
			if strings.Contains(strings.ToUpper(strings.ReplaceAll(v, "-", "")), "UTF8") {
				return fancy
			}
			return plain
		}
	}
	return plain
}

func inactive(d txn.DeploymentStatus) []string {
	var out []string
	for _, r := range d.RequestedPackages {
		if !slices.Contains(d.Packages, r) {
			out = append(out, r)
		}
	}
	return out
}

// keyWidth is the length of the longest key, InactiveRemoteOverrides; minText is the least width
// of what stands beside it.
const (
	keyWidth = 23
	minText  = 64
)

func (a *app) field(key, value string) {
	a.printf("  %*s: %s\n", keyWidth, key, value)
}

// listField prints words, quoted for the shell, wrapped to the terminal.
func (a *app) listField(key string, words []string) {
	if len(words) == 0 {
		return
	}
	words = slices.Clone(words)
	slices.SortFunc(words, func(x, y string) int { return strings.Compare(strings.ToLower(x), strings.ToLower(y)) })
	width := max(minText, a.OutTerminal-keyWidth-4)
	var lines []string
	line := ""
	for _, w := range words {
		w = shellQuote(w)
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	lines = append(lines, line)
	a.field(key, strings.Join(lines, "\n"+strings.Repeat(" ", keyWidth+4)))
}

func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
