package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdExport() *command {
	var opts ostree.ExportOptions
	var output string
	return &command{
		name: "export", operands: "COMMIT", summary: "Stream COMMIT to stdout in tar format",
		flags: func(f *flags) {
			f.Bool(&opts.NoXattrs, "no-xattrs", "", "Skip output of extended attributes")
			f.String(&opts.Subpath, "subpath", "", "PATH", "Checkout sub-directory PATH")
			f.String(&opts.Prefix, "prefix", "", "PATH", "Add PATH as prefix to archive pathnames")
			f.String(&output, "output", "o", "PATH", "Output to PATH ")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("A COMMIT argument is required")
			}
			c, err := repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			err = exportTo(ctx, e, repo, c, output, opts)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("No such file or directory: /%s", strings.TrimPrefix(opts.Subpath, "/"))
			}
			return err
		},
	}
}

func exportTo(ctx context.Context, e *env, repo *ostree.Repo, c ostree.Checksum, output string, opts ostree.ExportOptions) error {
	if output == "" {
		return repo.ExportTar(ctx, c, e.stdout, opts)
	}
	f, err := os.Create(output)
	if err != nil {
		return fmt.Errorf("Failed to open '%s'", output)
	}
	return errors.Join(repo.ExportTar(ctx, c, f, opts), f.Close())
}
