package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) overrideReplaceCommand() *cobra.Command {
	var flags changeFlags
	var change txn.Change
	var from string
	c := &cobra.Command{
		Use:     "replace PACKAGE...",
		Example: "  apt-ostree override replace ./tzdata_2099a-1_all.deb\n  apt-ostree override replace --freeze tzdata",
		Short:   "Put other versions in the place of packages of the base",
		Long: "Put other versions in the place of packages of the base, newer or older ones:\n" +
			"a file, ./NAME.deb or an address of one; NAME[:ARCH][=VERSION] of the archives, which stays that version;\n" +
			"NAME[:ARCH]/SUITE, which is the suite's at every upgrade. dpkg does it on a copy of the base, as an\n" +
			"upgrade with all scripts. What has to have the same version is to be replaced along.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			packages, files := splitFiles(args)
			flags.replacements = files
			var err error
			if change.OverrideReplace, err = fromSuite(packages, from); err != nil {
				return err
			}
			return a.change(c.Context(), change, flags, "No change.")
		},
	}
	a.overrideFlags(c, &change, &flags)
	addDownloadOnly(c, &change)
	c.Flags().StringSliceVar(&change.OverrideRemove, "remove", nil, "leave this package of the base out in the same change")
	c.Flags().StringVar(&from, "from", "", "take the packages of `repo=SUITE`")
	c.Flags().BoolVar(&change.Freeze, "freeze", false, "keep the versions that a suite has now")
	c.Flags().BoolVar(&change.RemoveEssential, "remove-essential", false, "accept that a package to leave out is Essential or Protected")
	c.Flags().Bool("experimental", false, "accepted for compatibility")
	hide(c, "experimental")
	return c
}

// fromSuite adds the suite of --from to packages that name none.
func fromSuite(packages []string, from string) ([]string, error) {
	if from == "" {
		return packages, nil
	}
	suite, ok := strings.CutPrefix(from, "repo=")
	switch {
	case !ok || suite == "":
		return nil, fmt.Errorf("parsing override source %q: it is repo=SUITE", from)
	case len(packages) == 0:
		return nil, errors.New("--from is for packages of an archive, and files come from nowhere else")
	}
	out := make([]string, len(packages))
	for i, p := range packages {
		if strings.ContainsAny(p, "/=") {
			return nil, fmt.Errorf("%s: it says itself where it comes from, and so does --from=%s", p, from)
		}
		out[i] = p + "/" + suite
	}
	return out, nil
}
