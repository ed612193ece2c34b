package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// etcState is where a commit has its configuration.
type etcState int

const (
	etcNone   etcState = iota // nowhere
	etcUsr                    // /usr/etc, as it should be; /etc may be there and empty
	etcLegacy                 // /etc, which becomes /usr/etc
)

// inspected is what has to be known of a commit before it is deployed.
type inspected struct {
	commit       *ostree.Commit
	kernel       kernel
	bootChecksum string
	etc          etcState
	emptyEtc     bool
	hasVar       bool
	composefs    composefsUse
	// kargs are the kernel arguments that the image asks for.
	kargs []kargs.Fragment
}

// inspect reads a commit and finds out whether it can be deployed; the error is an
// [*UndeployableError] if not.
func (s *Sysroot) inspect(ctx context.Context, c ostree.Checksum) (*inspected, error) {
	commit, err := s.repo.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	if partial, err := s.repo.IsPartial(c); err != nil || partial {
		return nil, errors.Join(err, &UndeployableError{c, "it was not pulled completely; pull it again"})
	}
	tree, err := s.repo.FSTree(ctx, commit.Tree)
	if err != nil {
		return nil, err
	}
	in := &inspected{commit: commit}
	if err := in.findEtc(tree, c); err != nil {
		return nil, err
	}
	if err := in.findKernel(ctx, s, tree, c); err != nil {
		return nil, err
	}
	if _, err := systemName(tree); err != nil {
		return nil, &UndeployableError{c, "it does not say what it is: " + err.Error()}
	}
	in.findVar(tree)
	if in.kargs, err = kargs.ReadImage(tree, runtime.GOARCH); err != nil {
		return nil, &UndeployableError{c, err.Error()}
	}
	return in, in.findComposefs(tree, c)
}

// findVar finds content for /var.
func (in *inspected) findVar(tree fs.FS) {
	info, err := fs.Stat(tree, "var")
	in.hasVar = err == nil && info.IsDir()
}

// findEtc finds the configuration.
func (in *inspected) findEtc(tree fs.FS, c ostree.Checksum) error {
	etc, etcErr := fs.ReadDir(tree, "etc")
	if etcErr != nil && !isMissing(etcErr) {
		return etcErr
	}
	_, usrErr := fs.Stat(tree, "usr/etc")
	if usrErr != nil && !isMissing(usrErr) {
		return usrErr
	}
	in.emptyEtc = etcErr == nil && len(etc) == 0
	switch {
	case usrErr == nil && len(etc) > 0:
		return &UndeployableError{c, "it contains both /etc and /usr/etc, and only one can be the default configuration"}
	case usrErr == nil:
		in.etc = etcUsr
	case len(etc) > 0:
		in.etc = etcLegacy
	}
	return nil
}

// findKernel finds the one kernel and its boot checksum.
func (in *inspected) findKernel(ctx context.Context, s *Sysroot, tree fs.FS, c ostree.Checksum) error {
	found, err := s.findKernels(tree)
	if err != nil {
		return fmt.Errorf("look for the kernel of commit %s: %w", c, err)
	}
	switch len(found) {
	case 0:
		return &UndeployableError{c, noKernel}
	case 1:
	default:
		versions := make([]string, len(found))
		for i, k := range found {
			versions[i] = k.version
		}
		return &UndeployableError{c, fmt.Sprintf("it has %d kernels (%s), and only one can boot: leave one in /usr/lib/modules",
			len(found), strings.Join(versions, ", "))}
	}
	in.kernel = found[0]
	in.bootChecksum, err = in.kernel.bootChecksum(ctx, tree)
	return err
}

// isMissing reports whether a path does not exist, be it that one of its parents is a file.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
