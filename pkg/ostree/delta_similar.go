package ostree

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// An oldFile is a file of the old commit.
type oldFile struct {
	checksum Checksum
	path     string
}

// oldFiles are the files of the old commit by what they are looked up by.
type oldFiles struct {
	byPath map[string]Checksum
	byName map[string][]oldFile // last element of the path
	byStem map[string][]oldFile // that element up to the first dot
	infos  map[Checksum]FileInfo
}

// findSources finds for each new file one of the old commit that is likely to be
// an earlier version of it.
func (p *deltaPlan) findSources(ctx context.Context, before *deltaTree) error {
	old := &oldFiles{byPath: map[string]Checksum{}, byName: map[string][]oldFile{}, byStem: map[string][]oldFile{}, infos: map[Checksum]FileInfo{}}
	for c, paths := range before.files {
		for _, name := range paths {
			f := oldFile{checksum: c, path: name}
			base := path.Base(name)
			old.byPath[name] = c
			old.byName[base] = append(old.byName[base], f)
			if s := stem(base); s != "" {
				old.byStem[s] = append(old.byStem[s], f)
			}
		}
	}
	for i := range p.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &p.files[i]
		if !comparable(f.path, f.info) {
			continue
		}
		var err error
		if f.source, err = p.repo.findSource(f, old); err != nil {
			return err
		}
	}
	return nil
}

// stem is a name without version and suffix, as far as that can be known. One
// without a dot has none: tool and tool.conf are different things, while
// libx.so.1.2 and libx.so.1.3 are not.
func stem(base string) string {
	s, _, ok := strings.Cut(base, ".")
	if !ok {
		return ""
	}
	return s
}

// comparable tells whether a file can be like an old one: what is compressed
// changes as a whole. Gzip is not among that, since some write it so that it
// does not. A file that not everybody may read is left alone, as a client need
// not be able to read its own copy of it.
func comparable(name string, info FileInfo) bool {
	if info.IsSymlink() || info.Size == 0 || info.Mode&unix.S_IROTH == 0 {
		return false
	}
	switch path.Ext(name) {
	case ".xz", ".bz2", ".zst", ".lz4":
		return false
	}
	return true
}

// findSource prefers the file that had the same path, then one with the same
// name, then one with the same beginning of the name.
func (r *Repo) findSource(f *deltaFile, old *oldFiles) (Checksum, error) {
	const pathFactor, nameFactor = 4, 1.3
	base := path.Base(f.path)
	if c, ok := old.byPath[f.path]; ok {
		list := []oldFile{{checksum: c, path: f.path}}
		if found, err := r.mostSimilar(f, list, old, pathFactor); !found.IsZero() || err != nil {
			return found, err
		}
	}
	if found, err := r.mostSimilar(f, old.byName[base], old, nameFactor); !found.IsZero() || err != nil {
		return found, err
	}
	return r.mostSimilar(f, old.byStem[stem(base)], old, nameFactor) // none for ""
}

// mostSimilar chooses among files whose size differs by no more than a factor
// the one whose path has most in common, and of these the one of the nearest size.
func (r *Repo) mostSimilar(f *deltaFile, list []oldFile, old *oldFiles, factor float64) (Checksum, error) {
	type candidate struct {
		oldFile
		common   int
		distance int64
	}
	var best candidate
	better := func(a, b candidate) bool {
		return cmp.Or(cmp.Compare(a.common, b.common), cmp.Compare(b.distance, a.distance), cmp.Compare(b.path, a.path)) > 0
	}
	const maxCandidates = 200 // of a name such as __init__.py there are thousands
	slices.SortFunc(list, func(a, b oldFile) int { return cmp.Compare(a.path, b.path) })
	if len(list) > maxCandidates {
		i, _ := slices.BinarySearchFunc(list, f.path, func(a oldFile, p string) int { return cmp.Compare(a.path, p) })
		i = min(max(0, i-maxCandidates/2), len(list)-maxCandidates)
		list = list[i : i+maxCandidates]
	}
	for _, o := range list {
		info, ok := old.infos[o.checksum]
		if !ok {
			var err error
			if info, err = r.store.fileInfo(o.checksum); err != nil {
				return Checksum{}, err
			}
			old.infos[o.checksum] = info
		}
		if !comparable(o.path, info) {
			continue
		}
		a, b := float64(info.Size), float64(f.info.Size)
		if a > b*factor || b > a*factor {
			continue
		}
		c := candidate{o, commonEnds(o.path, f.path), max(info.Size-f.info.Size, f.info.Size-info.Size)}
		if best.checksum.IsZero() || better(c, best) {
			best = c
		}
	}
	return best.checksum, nil
}

// commonEnds counts the elements that two paths have in common at the beginning
// and at the end. Between them there is often a version.
func commonEnds(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n, common := min(len(x), len(y)), 0
	for common < n && x[common] == y[common] {
		common++
	}
	for i := 1; i <= n-common && x[len(x)-i] == y[len(y)-i]; i++ {
		common++
	}
	return common
}
