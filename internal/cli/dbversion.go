package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// versionWidth is that of the value of `db version`.
const versionWidth = 66

func (a *app) dbVersionCommand() *cobra.Command {
	var repo string
	var asJSON bool
	c := &cobra.Command{
		Use:   "version REVISION...",
		Short: "Print a checksum of the packages of commits",
		Long: "Print a checksum of the packages of commits: the number of packages and a SHA-256 of their sorted names,\n" +
			"versions and architectures. Commits with the same one have the same packages.",
		Example: "  apt-ostree db version stable",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onCommits(c, repo, func(ctx context.Context, store *commits) error {
				return a.dbVersion(ctx, store, args, asJSON)
			})
		},
	}
	a.commitsFlags(c, &repo)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) dbVersion(ctx context.Context, store *commits, revisions []string, asJSON bool) error {
	out := map[string]string{}
	for _, rev := range revisions {
		sum, packages, err := store.packages(ctx, rev)
		if err != nil {
			return err
		}
		v := databaseVersion(packages)
		out[sum.String()] = v
		if !asJSON {
			a.printf("ostree commit: %s\n  dpkgdbv is: %*s\n", describe(rev, sum), versionWidth, v)
		}
	}
	if asJSON {
		return a.printJSON(out)
	}
	return nil
}

// databaseVersion is COUNT:SHA256 of a set of packages.
func databaseVersion(packages []*apt.Package) string {
	names := make([]string, 0, len(packages))
	for _, p := range packages {
		names = append(names, full(p))
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		_, _ = io.WriteString(h, name+"\n") // a hash never fails to be written
	}
	return fmt.Sprintf("%d:%s", len(names), hex.EncodeToString(h.Sum(nil)))
}
