package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdCreateUSB() *command {
	var opts ostree.USBOptions
	var commit string
	return &command{
		name: "create-usb", operands: "MOUNT-PATH COLLECTION-ID REF [COLLECTION-ID REF...]", summary: "Copy the refs to a USB stick",
		flags: func(f *flags) {
			f.Bool(&opts.NoSync, "disable-fsync", "", "Do not invoke fsync()")
			f.String(&opts.Path, "destination-repo", "", "DEST", "Use custom repository directory within the mount")
			f.String(&commit, "commit", "", "COMMIT", "Pull a specific commit (only works when a single ref is specified)")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("A MOUNT-PATH must be specified")
			}
			refs, err := collectionRefs(args[1:])
			if err != nil {
				return err
			}
			wanted := make([]ostree.PullRef, len(refs))
			for i, ref := range refs {
				wanted[i] = ostree.PullRef{Collection: ref.Collection, Ref: ref.Ref}
			}
			if commit != "" {
				if len(wanted) > 1 {
					return usagef("The --commit option can only be used when a single COLLECTION-ID REF pair is specified")
				}
				if wanted[0].Commit, err = ostree.ParseChecksum(commit); err != nil {
					return err
				}
			}
			if _, err := repo.CreateUSB(ctx, args[0], wanted, opts); err != nil {
				return usbError(err)
			}
			path := opts.Path
			if path == "" {
				path = ".ostree/repo"
			}
			e.printf("Copied %d/%d refs successfully from ‘%s’ to ‘%s’ repository in ‘%s’.\n", len(refs), len(refs), repo.Path(), path, args[0])
			return nil
		},
	}
}

// collectionRefs reads pairs of a collection and a ref.
func collectionRefs(args []string) ([]ostree.CollectionRef, error) {
	if len(args) < 2 {
		return nil, usagef("At least one COLLECTION-ID REF pair must be specified")
	}
	if len(args)%2 != 0 {
		return nil, usagef("Only complete COLLECTION-ID REF pairs may be specified")
	}
	var refs []ostree.CollectionRef
	for i := 0; i < len(args); i += 2 {
		ref := ostree.CollectionRef{Collection: args[i], Ref: args[i+1]}
		if err := ostree.ValidateCollectionID(ref.Collection); err != nil {
			return nil, err
		}
		if _, err := ostree.ParseRefspec(ref.Ref); err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// usbError says what is wrong with an option in the words of options.
func usbError(err error) error {
	var place *ostree.USBPathError
	switch {
	case !errors.As(err, &place):
		return err
	case place.Source:
		return usagef("--destination-repo must not be the source repository")
	case place.Err != nil:
		return fmt.Errorf("--destination-repo must be a descendent of MOUNT-PATH: %w", place.Err)
	}
	return usagef("--destination-repo must be a descendent of MOUNT-PATH")
}
