package ostree

import (
	"cmp"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// readKeyrings finds out what is asked of the signatures of refs that have a
// keyring of their own.
func (p *pull) readKeyrings() error {
	if len(p.opts.Keyrings) == 0 || !p.verify.Needed() {
		return nil
	}
	p.verifyRefs = make(map[CollectionRef]*Verification, len(p.opts.Keyrings))
	for ref, remote := range p.opts.Keyrings {
		keys, err := p.repo.RemoteKeyring(remote)
		if err != nil {
			return fmt.Errorf("keyring for ref %s of collection %s: %w", ref.Ref, ref.Collection, err)
		}
		p.verifyRefs[ref] = p.verify.withKeyring(keys)
	}
	return nil
}

// withKeyring returns what is asked for with another keyring in place of one that
// is there.
func (v *Verification) withKeyring(keys *sign.Keyring) *Verification {
	other := &Verification{Any: v.Any, All: make([]sign.Verifier, len(v.All))}
	for i, verifier := range v.All {
		if verifier.Engine() == sign.GPG {
			verifier = keys
		}
		other.All[i] = verifier
	}
	return other
}

// verification is what is asked of the commits of a target.
func (p *pull) verification(t *pullTarget) *Verification {
	ref := CollectionRef{Collection: cmp.Or(t.Collection, p.collection), Ref: t.Ref}
	if v, ok := p.verifyRefs[ref]; ok {
		return v
	}
	return p.verify
}
