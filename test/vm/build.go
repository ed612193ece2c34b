package vm

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed debian.yaml
var treefile []byte

// Ref is the branch of the composed system.
const Ref = "debian/bookworm/amd64/vm"

// Build is what disks are made from.
type Build struct {
	// Repo is the path of a repository that has Ref.
	Repo string
	// Agent, Program and Ostree are the agent, apt-ostree and the example that is a drop-in for ostree.
	Agent, Program, Ostree string
}

// NewBuild builds the programs into a directory and composes the system with them. Repository and
// packages are kept in cache: a compose of the same packages by the same treefile is found there.
func NewBuild(ctx context.Context, dir, cache string) (*Build, error) {
	b := &Build{
		Repo: filepath.Join(cache, "repo"), Agent: filepath.Join(dir, "agent"),
		Program: filepath.Join(dir, "apt-ostree"), Ostree: filepath.Join(dir, "ostree-example"),
	}
	for out, pkg := range map[string]string{b.Agent: "test/vm/agent", b.Program: "cmd/apt-ostree", b.Ostree: "examples/ostree"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "github.com/apt-ostree/apt-ostree/"+pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", pkg, err, text)
		}
	}
	tree := filepath.Join(dir, "debian.yaml")
	if err := os.WriteFile(tree, treefile, 0o644); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, b.Program, "compose", "tree", tree, "--repo="+b.Repo, "--cachedir="+filepath.Join(cache, "packages")).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("compose: %w: %s", err, text)
	}
	return b, nil
}
