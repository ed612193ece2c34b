package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// reasonJSON is a step of an explanation for programs.
type reasonJSON struct {
	Kind     solve.Kind      `json:"kind"`
	Request  string          `json:"request,omitempty"`
	Package  *txn.PackageRef `json:"package,omitempty"`
	Relation string          `json:"relation,omitempty"`
	Other    *txn.PackageRef `json:"other,omitempty"`
	Depth    int             `json:"depth,omitempty"`
	Text     string          `json:"text"`
}

func reasonsJSON(reasons []solve.Reason) []reasonJSON {
	out := make([]reasonJSON, 0, len(reasons))
	for _, r := range reasons {
		one := reasonJSON{Kind: r.Kind, Request: r.Request, Relation: r.Relation.String(), Depth: r.Depth, Text: r.String()}
		if r.Package != nil {
			ref := txn.NewPackageRef(r.Package)
			one.Package = &ref
		}
		if r.Other != nil {
			ref := txn.NewPackageRef(r.Other)
			one.Other = &ref
		}
		out = append(out, one)
	}
	return out
}

func (a *app) printReasons(reasons []solve.Reason) {
	for _, r := range reasons {
		a.printf("  %s%s\n", strings.Repeat("  ", r.Depth), r)
	}
}

func (a *app) whyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "why PACKAGE",
		Short: "Explain why a package is installed",
		Long: "Explain why a package is part of the deployment that boots next: the way from a request to what is layered,\n" +
			"and the installed packages that need it. No archive is needed.",
		Example: "  apt-ostree why libc6",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.system, func(ctx context.Context, system *txn.System) error {
				why, err := system.Why(ctx, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return a.printJSON(whyDocument(why))
				}
				a.printWhy(why)
				return nil
			})
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// needJSON is a package that needs another one.
type needJSON struct {
	Package  txn.PackageRef `json:"package"`
	Kind     solve.Kind     `json:"kind"`
	Relation string         `json:"relation"`
	Alone    bool           `json:"alone"`
}

func whyDocument(e *txn.Explanation) map[string]any {
	needs := []needJSON{}
	for _, n := range e.NeededBy {
		needs = append(needs, needJSON{txn.NewPackageRef(n.Package), n.Kind, n.Relation.String(), n.Alone})
	}
	return map[string]any{
		"package": txn.NewPackageRef(e.Package.Package), "layer": e.Package.Layer, "base-version": e.Base,
		"because": reasonsJSON(e.Because), "needed-by": needs,
	}
}

func (a *app) printWhy(e *txn.Explanation) {
	name := full(e.Package.Package)
	switch e.Package.Layer {
	case txn.LayerBase:
		a.printf("%s is part of the base %s\n", name, e.Base)
	case txn.LayerLocal:
		a.printf("%s is a local package\n", name)
	case txn.LayerReplaced:
		a.printf("%s replaces the package of the base\n", name)
	case txn.LayerRequest, txn.LayerDepends:
		a.printf("%s is layered\n", name)
	}
	a.printReasons(e.Because)
	if len(e.NeededBy) == 0 {
		a.printf("No installed package needs it.\n")
		return
	}
	a.printf("Needed by:\n")
	for _, n := range e.NeededBy {
		a.printf("  %s (%s: %s)", n.Package.Name, n.Kind, n.Relation)
		if !n.Alone {
			a.printf(", which others meet too")
		}
		a.printf("\n")
	}
}

func (a *app) whyNotCommand() *cobra.Command {
	var asJSON, cacheOnly bool
	c := &cobra.Command{
		Use:   "why-not PACKAGE",
		Short: "Explain why a package cannot be layered",
		Long: "Explain why a package, NAME[:ARCH][=VERSION|/SUITE], cannot be layered on the deployment that boots next; if\n" +
			"it can be, what would come with it. Exits with 77 if nothing prevents it.",
		Example: "  apt-ostree why-not nginx-light",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.archives, func(ctx context.Context, system *txn.System) error {
				solution, reasons, err := system.WhyNot(ctx, args[0], cacheOnly)
				if err != nil {
					return err
				}
				if asJSON {
					err = a.printJSON(whyNotDocument(solution, reasons))
				} else {
					a.printWhyNot(args[0], solution, reasons)
				}
				if err == nil && len(reasons) == 0 {
					return exitCodeError(exitUnchanged)
				}
				return err
			})
		},
	}
	a.sysrootFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVarP(&cacheOnly, "cache-only", "C", false, "use what is downloaded already, no network")
	return c
}

func whyNotDocument(solution *solve.Solution, reasons []solve.Reason) map[string]any {
	install := []txn.PackageRef{}
	if solution != nil {
		for _, p := range solution.Install {
			install = append(install, txn.NewPackageRef(p))
		}
	}
	return map[string]any{"installable": len(reasons) == 0, "because": reasonsJSON(reasons), "install": install}
}

func (a *app) printWhyNot(name string, solution *solve.Solution, reasons []solve.Reason) {
	if len(reasons) > 0 {
		a.printf("%s cannot be layered:\n", name)
		a.printReasons(reasons)
		return
	}
	if p := solution.Satisfied[name]; p != nil {
		a.printf("%s is installed: %s\n", name, full(p))
		return
	}
	a.printf("Nothing prevents %s. It would be layered with:\n", name)
	for _, p := range solution.Install {
		a.printf("  %s\n", full(p))
	}
	a.printf("hint: layer it\n      apt-ostree install %s\n", shellQuote(name))
}
