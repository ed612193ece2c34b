package sandboxtest

import (
	"context"
	"slices"
	"sync"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// A Recorder is a Runner that starts nothing. It is safe for concurrent use;
// the zero value is ready and lets everything succeed.
type Recorder struct {
	// Do answers for the program, if it is set: it may write to the Spec's
	// outputs and its tree, and what it returns Run returns.
	Do func(ctx context.Context, spec sandbox.Spec) error

	mu    sync.Mutex
	specs []sandbox.Spec
}

var _ sandbox.Runner = (*Recorder)(nil)

// Run remembers spec and asks Do.
func (r *Recorder) Run(ctx context.Context, spec sandbox.Spec) error {
	r.mu.Lock()
	r.specs = append(r.specs, spec)
	r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.Do == nil {
		return nil
	}
	return r.Do(ctx, spec)
}

// Specs are what was run so far, in order.
func (r *Recorder) Specs() []sandbox.Spec {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.specs)
}
