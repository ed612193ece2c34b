package solve

import "slices"

// walk is the order in which dependencies are looked at: depth first from the requests, those of a
// package in the order of its fields, recommendations last. What other dependencies make certain counts
// only once the walk has come to it. This is how APT looks at them, and so, with the same taste in
// alternatives, the same packages are chosen.
type walk struct {
	frames  []frame
	reached []reached // to be undone
	saved   []savedWalk
}

// frame is a package on the way and the first of its needs that was not looked at yet.
type frame struct {
	of id
	at int
}

// reached is how far the walk was with a package before.
type reached struct {
	of     id
	before progress
}

// progress says how far the walk is with a package.
type progress int8

const (
	unseen progress = iota
	known           // it counts
	walked          // its needs were looked at, or are about to be
)

// savedWalk is a walk at the time of a decision.
type savedWalk struct {
	frames  []frame
	reached int
}

// saveWalk remembers where the walk is before a decision.
func (s *search) saveWalk() {
	s.walk.saved = append(s.walk.saved, savedWalk{slices.Clone(s.walk.frames), len(s.walk.reached)})
}

// restoreWalk goes back to where the walk was before the decision after those of a level.
func (s *search) restoreWalk(level int32) {
	w := &s.walk
	to := w.saved[level]
	w.saved, w.frames = w.saved[:level], to.frames
	for _, r := range slices.Backward(w.reached[to.reached:]) {
		s.state[r.of].walk = r.before
	}
	w.reached = w.reached[:to.reached]
}

// reach notes that the walk has come to a package.
func (s *search) reach(v id, p progress) {
	x := &s.state[v]
	if x.walk >= p {
		return
	}
	s.walk.reached = append(s.walk.reached, reached{v, x.walk})
	x.walk = p
	if p == walked {
		s.walk.frames = append(s.walk.frames, frame{of: v})
	}
}

// startWalk makes all requests known, before their dependencies are looked at.
func (s *search) startWalk() {
	for _, n := range s.needs[root] {
		for _, v := range n.solutions {
			if n.rank == requested && s.state[v].value > 0 {
				s.reach(v, known)
			}
		}
	}
	s.reach(root, walked)
}

// nextOnWalk walks on to the next need that asks for a decision, and returns what to decide on.
func (s *search) nextOnWalk() id {
	if s.state[root].walk == unseen {
		s.startWalk()
	}
	w := &s.walk
	for len(w.frames) > 0 {
		f := &w.frames[len(w.frames)-1]
		if f.at == len(s.needs[f.of]) {
			w.frames = w.frames[:len(w.frames)-1]
			continue
		}
		n := s.needs[f.of][f.at]
		v := s.preferredOnWalk(n)
		if v != root && s.state[v].value == 0 {
			return v
		}
		f.at++
		if v != root {
			s.reach(v, walked)
		}
	}
	return root
}

// preferredOnWalk returns the solution of a need to go on with: the preferred one that is not excluded.
// It is the root if there is none, or if the walk or the installed packages meet the need already.
func (s *search) preferredOnWalk(n *need) id {
	if n.rank == kept {
		return root
	}
	best := root
	for _, v := range n.solutions {
		x := &s.state[v]
		switch {
		case x.value < 0:
		case n.of == root && x.walk == known:
			return v
		case x.walk > unseen || s.at(v).installed:
			return root
		case best == root:
			best = v
		}
	}
	return best
}
