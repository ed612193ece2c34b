package deploy

// Retain says which deployments of the same stateroot a new one leaves in the list besides the
// running one, the merge deployment and pinned ones. The rules are those of libostree.
type Retain struct {
	// Pending keeps those before the running one, or before the merge deployment if none is running.
	Pending bool
	// Rollback keeps those after it.
	Rollback bool
	// All keeps everything.
	All bool
}

// insert returns the list with a new deployment in it and without those that it replaces.
func (r Retain) insert(list []Deployment, d Deployment, merge *Deployment, notDefault bool) []Deployment {
	isMerge := func(x Deployment) bool { return merge != nil && merge.Same(x) }
	isTurn := isMerge // Where pending deployments end and rollbacks begin.
	for _, x := range list {
		if x.Booted {
			isTurn = func(y Deployment) bool { return y.Booted }
		}
	}
	if merge == nil && !anyBooted(list) && (r.Pending || r.Rollback) {
		r.All = true // There is nothing to tell pending from rollback by.
	}
	var out []Deployment
	inserted := !notDefault
	if inserted {
		out = append(out, d)
	}
	passed := false
	for _, x := range list {
		passed = passed || isTurn(x)
		keep := r.All || x.Pinned || x.Stateroot != d.Stateroot || x.Booted || isMerge(x) ||
			(r.Pending && !passed) || (r.Rollback && passed)
		if keep {
			out = append(out, x)
		}
		if !inserted && passed {
			out, inserted = append(out, d), true
		}
	}
	if !inserted {
		out = append(out, d)
	}
	return out
}

func anyBooted(list []Deployment) bool {
	for _, d := range list {
		if d.Booted {
			return true
		}
	}
	return false
}
