package ostree

// mayHold is the first store that may have an object of which this pull has not
// thought yet, or nil. Most objects of a pull are new, so the fewer directories
// are asked for them the better.
//
// What it leaves out it may leave out wrongly: objects that another update has
// published since this one began, in a directory that is new. They are got
// again, and publishing leaves those alone that are there.
func (p *pull) mayHold(n ObjectName) *store {
	switch {
	case p.staged.Load():
		return p.w.store
	case p.absent[n.Checksum[0]]:
		return p.repo.store.next
	}
	return p.repo.store
}

// look finds out what mayHold knows. Something was staged before if this pull
// resumes another one, or if its Writer has done other things. Several subpaths
// may lead through one directory.
func (p *pull) look() error {
	names, err := readNames(p.repo.store.fd, ".")
	if err != nil {
		return err
	}
	for i := range p.absent {
		p.absent[i] = true
	}
	for _, name := range names {
		if first, ok := hexByte(name); ok && len(name) == 2 {
			p.absent[first] = false
		}
	}
	p.staged.Store(len(p.opts.Subpaths) > 0)
	for i := range p.w.made {
		if p.w.made[i].Load() {
			p.staged.Store(true)
		}
	}
	return nil
}
