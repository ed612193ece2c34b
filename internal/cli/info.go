package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) infoCommand() *cobra.Command {
	var asJSON, cacheOnly bool
	c := &cobra.Command{
		Use:     "info PACKAGE...",
		Example: "  apt-ostree info nginx",
		Short:   "Describe packages: installed and available versions, dependencies",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return onSystem(c, a.archives, func(ctx context.Context, system *txn.System) error {
				installed, err := system.Installed(ctx)
				if err != nil {
					return err
				}
				universe, err := system.Universe(ctx, cacheOnly)
				if err != nil {
					return err
				}
				infos, missing := describePackages(args, installed, universe)
				if asJSON {
					err = a.printJSON(infos)
				} else {
					a.printInfos(infos)
				}
				if len(missing) > 0 {
					return errors.Join(err, &solve.NotFoundError{Missing: missing})
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

// info is what is known of a package.
type info struct {
	Name        string    `json:"name"`
	Installed   string    `json:"installed,omitempty"`
	Layer       txn.Layer `json:"layer,omitempty"`
	Candidate   string    `json:"candidate,omitempty"`
	Suite       string    `json:"suite,omitempty"`
	Other       []string  `json:"other-versions,omitempty"`
	ProvidedBy  []string  `json:"provided-by,omitempty"`
	Arch        string    `json:"architecture,omitempty"`
	Section     string    `json:"section,omitempty"`
	Source      string    `json:"source,omitempty"`
	Size        int64     `json:"download-size,omitempty"`
	Unpacked    int64     `json:"installed-size,omitempty"`
	PreDepends  string    `json:"pre-depends,omitempty"`
	Depends     string    `json:"depends,omitempty"`
	Recommends  string    `json:"recommends,omitempty"`
	Conflicts   string    `json:"conflicts,omitempty"`
	Homepage    string    `json:"homepage,omitempty"`
	Summary     string    `json:"summary"`
	Description string    `json:"description,omitempty"`
}

func describePackages(names []string, installed []txn.InstalledPackage, universe *apt.Universe) ([]info, []solve.Missing) {
	infos := []info{}
	var missing []solve.Missing
	for _, name := range names {
		versions := universe.Versions(name)
		i := slices.IndexFunc(installed, func(p txn.InstalledPackage) bool { return p.Name == name })
		if providers := providerNames(universe, name); i < 0 && len(versions) == 0 && len(providers) > 0 {
			infos = append(infos, info{Name: name, ProvidedBy: providers, Summary: "virtual package"})
			continue
		}
		if i < 0 && len(versions) == 0 {
			missing = append(missing, solve.Missing{Request: name, Problem: "there is no such package", Near: universe.Nearest(name, 3)})
			continue
		}
		var one info
		switch {
		case len(versions) > 0:
			one = describePackage(versions[0])
			one.Candidate = versions[0].Version.String()
			for _, v := range versions[1:] {
				one.Other = append(one.Other, v.Version.String())
			}
		default:
			one = describePackage(installed[i].Package)
		}
		if i >= 0 {
			one.Installed, one.Layer = installed[i].Version.String(), installed[i].Layer
		}
		infos = append(infos, one)
	}
	return infos, missing
}

// providerNames are the names of the packages that provide a virtual one.
func providerNames(u *apt.Universe, name string) []string {
	var names []string
	for _, p := range u.Providers(name) {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func describePackage(p *apt.Package) info {
	one := info{
		Name: p.Name, Arch: p.Architecture, Section: p.Section, Source: p.Source, Size: p.Size,
		Unpacked: p.InstalledSize, Homepage: p.Homepage, Summary: p.Summary, Description: p.Description,
		PreDepends: relation.Format(p.PreDepends), Depends: relation.Format(p.Depends),
		Recommends: relation.Format(p.Recommends), Conflicts: relation.Format(p.Conflicts),
	}
	if p.Origin != nil {
		one.Suite = p.Origin.Suite
	}
	return one
}

func (a *app) printInfos(infos []info) {
	for n, i := range infos {
		if n > 0 {
			a.printf("\n")
		}
		line := func(key, value string) {
			if value != "" {
				a.printf("%s: %s\n", key, value)
			}
		}
		line("Package", i.Name)
		switch {
		case i.Installed != "":
			line("Installed", fmt.Sprintf("%s (%s)", i.Installed, i.Layer))
		case len(i.ProvidedBy) > 0:
			line("Provided by", strings.Join(i.ProvidedBy, ", "))
		default:
			line("Installed", "no")
		}
		line("Candidate", strings.TrimSpace(i.Candidate+" "+i.Suite))
		line("Other versions", strings.Join(i.Other, ", "))
		line("Architecture", i.Arch)
		line("Section", i.Section)
		line("Source", i.Source)
		if i.Size > 0 {
			line("Download-Size", size(i.Size))
		}
		if i.Unpacked > 0 {
			line("Installed-Size", size(i.Unpacked))
		}
		line("Pre-Depends", i.PreDepends)
		line("Depends", i.Depends)
		line("Recommends", i.Recommends)
		line("Conflicts", i.Conflicts)
		line("Homepage", i.Homepage)
		line("Description", strings.TrimSpace(i.Summary+"\n"+i.Description))
	}
}
