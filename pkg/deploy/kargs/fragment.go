package kargs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ImageDir is where an image keeps the kernel arguments it wants, as files that bootc understands
// ("bootc kernel arguments"): NAME.toml with an array kargs and, to be limited to some machines, an
// array match-architectures.
const ImageDir = "usr/lib/bootc/kargs.d"

// Fragment is one such file.
type Fragment struct {
	// File is its path in the image.
	File string
	// Args are the arguments it asks for.
	Args Args
	// Architectures are those it is for, named as GOARCH or as the kernel does; empty means all.
	Architectures []string
}

// The bounds of what is read from an image.
const (
	maxFragments    = 256
	maxFragmentSize = 64 << 10
)

// ReadImage reads the fragments of an image for an architecture (GOARCH), in the order of their names.
// An image without any yields none.
func ReadImage(image fs.FS, goarch string) ([]Fragment, error) {
	files, err := fs.ReadDir(image, ImageDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(e fs.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".toml") })
	if len(files) > maxFragments {
		return nil, fmt.Errorf("/%s has %d files: more than %d are not plausible", ImageDir, len(files), maxFragments)
	}
	slices.SortFunc(files, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	var fragments []Fragment
	for _, file := range files {
		f, err := readFragment(image, path.Join(ImageDir, file.Name()))
		if err != nil {
			return nil, err
		}
		if f.isFor(goarch) {
			fragments = append(fragments, f)
		}
	}
	return fragments, nil
}

func readFragment(image fs.FS, name string) (Fragment, error) {
	info, err := fs.Stat(image, name)
	if err != nil {
		return Fragment{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFragmentSize {
		return Fragment{}, fmt.Errorf("/%s is not a file of at most %d bytes", name, maxFragmentSize)
	}
	text, err := fs.ReadFile(image, name)
	if err != nil {
		return Fragment{}, err
	}
	f, err := ParseFragment(string(text))
	if err != nil {
		return Fragment{}, fmt.Errorf("/%s: %w", name, err)
	}
	f.File = name
	return f, nil
}

// kernelArch are the names that are not GOARCH.
var kernelArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "x86", "ppc64le": "powerpc64"}

func (f Fragment) isFor(goarch string) bool {
	return len(f.Architectures) == 0 || slices.Contains(f.Architectures, goarch) ||
		slices.Contains(f.Architectures, cmp.Or(kernelArch[goarch], goarch))
}

// Carry returns the arguments for a new image: what the old one asked for and the new one does not is
// taken away, what only the new one asks for is added, and everything else, above all what a user has
// changed, stays as it is.
func Carry(args Args, older, newer []Fragment) Args {
	before, after := all(older), all(newer)
	out := slices.Clone(args)
	for _, arg := range before {
		if at := slices.Index(out, arg); at >= 0 && !slices.Contains(after, arg) {
			out = slices.Delete(out, at, at+1)
		}
	}
	for _, arg := range after {
		if !slices.Contains(before, arg) && !slices.Contains(out, arg) {
			out = append(out, arg)
		}
	}
	return out
}

func all(fragments []Fragment) Args {
	var args Args
	for _, f := range fragments {
		args = append(args, f.Args...)
	}
	return args
}

// Owned is an argument and where it comes from.
type Owned struct {
	Arg string
	// File is the file of the image that asks for it, "" when someone has set it on the machine.
	File string
}

// Explain tells for each argument where it comes from.
func Explain(args Args, fragments []Fragment) []Owned {
	owned := make([]Owned, len(args))
	for i, arg := range args {
		owned[i].Arg = arg
		for _, f := range fragments {
			if slices.Contains(f.Args, arg) {
				owned[i].File = f.File
				break
			}
		}
	}
	return owned
}
