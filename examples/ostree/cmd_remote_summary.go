package main

import (
	"context"
	"errors"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdRemoteSummary() *command {
	cacheDir := ""
	var view summaryView
	return &command{
		name: "summary", operands: "NAME", summary: "Show remote summary",
		flags: func(f *flags) {
			f.String(&cacheDir, "cache-dir", "", "PATH", "Use custom cache dir")
			view.add(f, "Show raw variant data")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) < 1 {
				return usagef("NAME must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			fetched, err := repo.FetchSummary(ctx, args[0], e.fetchOptions(cacheDir))
			if err != nil {
				return err
			}
			if fetched.Summary == nil {
				return errors.New("Remote server has no summary file")
			}
			if err := view.print(e, fetched.Data); err != nil {
				return err
			}
			if view.whole() {
				e.printVerified(fetched.Verified)
			}
			return nil
		},
	}
}

// printVerified says which signatures of a summary were found valid.
func (e *env) printVerified(results []sign.Result) {
	for _, result := range results {
		if result.Engine != sign.GPG {
			e.printf("\n%s\n", result)
			continue
		}
		plural := "s"
		if len(result.OpenPGP) == 1 {
			plural = ""
		}
		e.printf("\nGPG: Verification enabled, found %d signature%s:\n", len(result.OpenPGP), plural)
		for _, s := range result.OpenPGP {
			e.printf("\n%s", s.Describe("  ", time.Local))
		}
	}
}
