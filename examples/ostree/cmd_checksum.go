package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdChecksum() *command {
	var o ostree.HashOptions
	return &command{
		name: "checksum", operands: "PATH", summary: "Checksum a file or directory", noRepo: true,
		flags: func(f *flags) { f.Bool(&o.NoXattrs, "ignore-xattrs", "", "Don't include xattrs in checksum") },
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) < 1 {
				return usagef("A filename must be given")
			}
			c, err := ostree.HashFile(ctx, args[0], o)
			if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
				return noFile(args[0], pathErr)
			}
			if err != nil {
				return err
			}
			e.println(c)
			return nil
		},
	}
}
