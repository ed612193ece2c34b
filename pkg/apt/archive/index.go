package archive

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Index is a Packages file that a release lists, with the variants it is offered in.
type Index struct {
	// Path is the uncompressed file below the directory of the Release file. Checksums are its own,
	// with the size -1 if only compressed variants are listed.
	Path      string
	Checksums Checksums
	// Variants are the ways to get it, the smallest first.
	Variants []Variant
}

// Variant is one file that holds an index.
type Variant struct {
	Path        string // below the directory of the Release file
	Compression string // "", ".gz", ".xz", ".zst" or ".bz2"
	Checksums   Checksums
}

// Empty reports whether the index is listed as empty, so that it need not be fetched.
func (x *Index) Empty() bool { return x.Checksums.Size == 0 }

// Indexes returns the Packages files to read for a component and the wanted architectures. Those the
// release does not have are left out; one that lacks the component altogether is a [*ReleaseError].
// A flat archive has the component "" and one index for all architectures.
func (r *Release) Indexes(component string, architectures []string) ([]*Index, error) {
	if component == "" {
		x := r.index("Packages")
		if x == nil {
			return nil, &ReleaseError{Problem: "it lists no Packages file"}
		}
		return []*Index{x}, nil
	}
	if len(r.Components) > 0 && !r.hasComponent(component) {
		return nil, &ReleaseError{Problem: fmt.Sprintf("it has no component %q; it has %s", component, strings.Join(r.Components, ", "))}
	}
	archs := architectures
	// A separate index of what is for all architectures is only meant to be used where "all" is among
	// the architectures; Debian's security archive lists one that nobody keeps in step.
	if !r.NoSupportAll && (len(r.Architectures) == 0 || slices.Contains(r.Architectures, "all")) {
		archs = append(slices.Clone(architectures), "all")
	}
	var indexes []*Index
	for _, arch := range archs {
		if len(r.Architectures) > 0 && !slices.Contains(r.Architectures, arch) {
			continue
		}
		for _, c := range slices.Compact([]string{component, path.Base(component)}) {
			if x := r.index(c + "/binary-" + arch + "/Packages"); x != nil {
				indexes = append(indexes, x)
				break
			}
		}
	}
	return indexes, nil
}

// index collects the variants of a file, nil if there is none.
func (r *Release) index(name string) *Index {
	x := &Index{Path: name, Checksums: Checksums{Size: -1}}
	plain, listed := r.Files[name]
	if listed {
		x.Checksums = plain
	}
	for _, compression := range []string{".xz", ".zst", ".gz", ".bz2"} {
		if c, found := r.Files[name+compression]; found {
			x.Variants = append(x.Variants, Variant{name + compression, compression, c})
		}
	}
	if listed {
		x.Variants = append(x.Variants, Variant{name, "", plain})
	}
	if len(x.Variants) == 0 {
		return nil
	}
	return x
}

// ByHashPath returns the path of a variant by its strongest checksum, below the directory of the
// Release file.
func (v Variant) ByHashPath() string {
	algorithm, sum := "SHA256", v.Checksums.SHA256
	if v.Checksums.SHA512 != "" {
		algorithm, sum = "SHA512", v.Checksums.SHA512
	}
	return path.Join(path.Dir(v.Path), "by-hash", algorithm, sum)
}
