package txn

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// kernelPrefix begins the names of kernel packages, which have their version in it, and of the packages
// that depend on the newest one.
const kernelPrefix = "linux-image-"

// isKernel says whether a package is a kernel, and not one that depends on one.
func isKernel(p *apt.Package) bool {
	return strings.HasPrefix(p.Name, kernelPrefix) && !strings.HasSuffix(p.Name, "-dbg") && !dependsOnKernel(p, func(string) bool { return true })
}

// dependsOnKernel says whether a package is for a kernel of a name.
func dependsOnKernel(p *apt.Package, wanted func(name string) bool) bool {
	return strings.HasPrefix(p.Name, kernelPrefix) && slices.ContainsFunc(slices.Concat(p.PreDepends, p.Depends), func(g relation.Group) bool {
		return slices.ContainsFunc(g, func(r relation.Relation) bool { return strings.HasPrefix(r.Name, kernelPrefix) && wanted(r.Name) })
	})
}

// solveWith solves, and sees to it that one kernel is left: where an override brings another one, those of
// the base go, with what is there to follow them.
func (p *Plan) solveWith(ctx context.Context, src solve.Source, request solve.Request) (*solve.Solution, error) {
	solution, err := solve.Solve(ctx, src, request)
	if err != nil {
		return nil, skew(ctx, src, request, err)
	}
	old, fresh := p.kernels(solution)
	if len(old) == 0 || len(fresh) == 0 {
		return solution, nil
	}
	replaced := slices.ContainsFunc(request.Unlock, func(word string) bool { return strings.HasPrefix(word, kernelPrefix) })
	if !replaced {
		return nil, p.secondKernel(old, fresh)
	}
	for _, name := range p.withFollowers(old, request.Unlock) {
		request.Remove = append(slices.Clip(request.Remove), name)
	}
	return solve.Solve(ctx, src, request)
}

// kernels are those that the base has and keeps, and those that come.
func (p *Plan) kernels(solution *solve.Solution) (old, fresh []*apt.Package) {
	for _, pkg := range solution.Resulting {
		switch {
		case !isKernel(pkg):
		case slices.Contains(p.base, pkg):
			old = append(old, pkg)
		default:
			fresh = append(fresh, pkg)
		}
	}
	return old, fresh
}

// withFollowers names kernels and the packages of the base that depend on them, but for those that are
// replaced.
func (p *Plan) withFollowers(kernels []*apt.Package, replaced []string) []string {
	var list []string
	for _, pkg := range p.base {
		isOld := slices.Contains(kernels, pkg)
		follows := dependsOnKernel(pkg, func(name string) bool {
			return slices.ContainsFunc(kernels, func(k *apt.Package) bool { return k.Name == name })
		})
		if (isOld || follows) && !slices.Contains(replaced, pkg.Name) && !slices.Contains(replaced, pkg.Key().String()) {
			list = append(list, pkg.Key().String())
		}
	}
	return list
}

// secondKernel refuses a kernel beside that of the base.
func (p *Plan) secondKernel(old, fresh []*apt.Package) error {
	e := &KernelError{Layered: full(fresh[0]), Base: full(old[0])}
	for _, word := range p.withFollowers(old, nil) {
		name, _, _ := strings.Cut(word, ":")
		e.Remove = append(e.Remove, name)
	}
	return e
}

// KernelError says that a kernel cannot be layered, because a deployment boots one and the base has it.
type KernelError struct {
	Layered, Base string
	// Remove are the packages of the base to leave out for it.
	Remove []string
}

func (e *KernelError) Error() string {
	return fmt.Sprintf("%s cannot be layered beside %s of the base: a deployment boots one kernel", e.Layered, e.Base)
}
