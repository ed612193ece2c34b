package ostree

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
)

// A deltaPlan is what a delta has to bring.
type deltaPlan struct {
	repo     *Repo
	name     DeltaName
	opts     DeltaOptions
	commit   []byte
	metadata []ObjectName // dirtrees and dirmetas
	files    []deltaFile
	report   *DeltaReport
}

// A deltaFile is a new file object.
type deltaFile struct {
	checksum Checksum
	path     string // the first of them
	info     FileInfo
	source   Checksum // a file of the old commit that is like it, zero for none
}

// planDelta finds out what is new in a commit.
func (r *Repo) planDelta(ctx context.Context, name DeltaName, opts DeltaOptions) (*deltaPlan, error) {
	p := &deltaPlan{repo: r, name: name, opts: opts, report: &DeltaReport{Delta: name}}
	before, err := r.deltaTree(ctx, name.From)
	if err != nil {
		return nil, err
	}
	after, err := r.deltaTree(ctx, name.To)
	if err != nil {
		return nil, err
	}
	if p.commit, err = r.store.readMeta(ObjectName{name.To, ObjectCommit}); err != nil {
		return nil, err
	}
	for n := range after.metadata {
		if !before.metadata[n] {
			p.metadata = append(p.metadata, n)
		}
	}
	slices.SortFunc(p.metadata, compareObjects)
	for c, paths := range after.files {
		if before.files[c] != nil {
			continue
		}
		info, err := r.store.fileInfo(c)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, deltaFile{checksum: c, path: paths[0], info: info})
	}
	if err := p.findSources(ctx, before); err != nil {
		return nil, err
	}
	slices.SortFunc(p.files, compareDeltaFiles)
	p.count()
	return p, nil
}

func (p *deltaPlan) count() {
	p.report.Metadata = len(p.metadata)
	for i := range p.files {
		switch f := &p.files[i]; {
		case f.info.IsSymlink():
			p.report.Symlinks++
		default:
			p.report.Regular++
			if !f.source.IsZero() {
				p.report.Modified++
			}
		}
	}
}

func compareObjects(a, b ObjectName) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), bytes.Compare(a.Checksum[:], b.Checksum[:]))
}

// compareDeltaFiles brings together what compresses well together: files that
// are like old ones, files whose names end alike, neighbours.
func compareDeltaFiles(a, b deltaFile) int {
	return cmp.Or(
		cmp.Compare(a.kind(), b.kind()),
		cmp.Compare(path.Ext(a.path), path.Ext(b.path)),
		cmp.Compare(a.path, b.path),
		bytes.Compare(a.checksum[:], b.checksum[:]),
	)
}

func (f *deltaFile) kind() int {
	switch {
	case f.info.IsSymlink():
		return 0
	case f.source.IsZero():
		return 1
	}
	return 2
}

// A deltaTree is all objects of a commit except itself.
type deltaTree struct {
	metadata map[ObjectName]bool
	files    map[Checksum][]string // their paths
}

// deltaTree lists the objects of a commit, none for a zero checksum.
func (r *Repo) deltaTree(ctx context.Context, c Checksum) (*deltaTree, error) {
	t := &deltaTree{metadata: map[ObjectName]bool{}, files: map[Checksum][]string{}}
	if c.IsZero() {
		return t, nil
	}
	commit, err := r.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	partial, err := r.IsPartial(c)
	if err == nil && partial {
		err = fmt.Errorf("the repository has only a part of commit %s", c)
	}
	if err != nil {
		return nil, err
	}
	return t, t.add(ctx, r, "", commit.Tree)
}

func (t *deltaTree) add(ctx context.Context, r *Repo, dir string, id TreeID) error {
	t.metadata[ObjectName{id.Meta, ObjectDirMeta}] = true
	t.metadata[ObjectName{id.Contents, ObjectDirTree}] = true
	list, err := r.LoadDirTree(ctx, id.Contents)
	if err != nil {
		return err
	}
	for _, f := range list.Files {
		t.files[f.Checksum] = append(t.files[f.Checksum], dir+f.Name)
	}
	for _, d := range list.Dirs {
		if err := t.add(ctx, r, dir+d.Name+"/", d.Tree); err != nil {
			return err
		}
	}
	return nil
}
