package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// The composefs image of a deployment, which its initramfs may mount as the root, and what says in
// the tree whether it does (ostree-prepare-root(1)).
const (
	composefsImage = ".ostree.cfs"
	prepareRoot    = "usr/lib/ostree/prepare-root.conf"
)

// maxPrepareRoot bounds prepare-root.conf, which has a few lines.
const maxPrepareRoot = 64 << 10

// composefsUse is what a tree wants of composefs.
type composefsUse struct {
	// wanted tells that the initramfs mounts the image if it can, or must; verified that it checks
	// digests of files, which the image must have then.
	wanted, verified bool
}

// findComposefs reads prepare-root.conf.
func (in *inspected) findComposefs(tree fs.FS, c ostree.Checksum) error {
	info, err := fs.Stat(tree, prepareRoot)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxPrepareRoot {
		return &UndeployableError{c, fmt.Sprintf("/%s has %d bytes, which is not plausible", prepareRoot, info.Size())}
	}
	data, err := fs.ReadFile(tree, prepareRoot)
	if err != nil {
		return err
	}
	file, err := keyfile.Parse(data)
	if err != nil {
		return &UndeployableError{c, fmt.Sprintf("/%s: %v", prepareRoot, err)}
	}
	switch value := file.GetDefault("composefs", "enabled", "no"); value {
	case "no", "false", "0":
	case "maybe", "yes", "true", "1":
		in.composefs.wanted = true
	case "verity", "signed":
		in.composefs = composefsUse{wanted: true, verified: true}
	default:
		return &UndeployableError{c, fmt.Sprintf("composefs.enabled in /%s is %q: want no, maybe, yes, verity or signed", prepareRoot, value)}
	}
	return nil
}

// writeImage writes the composefs image of the deployment. Digests of files are left out if nobody
// checks them: to find them, every file has to be read.
func (j *job) writeImage(ctx context.Context) error {
	config := func(key string) bool {
		value, _ := j.sysroot.repo.ConfigValue("ex-integrity", key)
		return value == "true" || value == "yes" || value == "1"
	}
	if !j.in.composefs.wanted && !config("composefs") && !j.sysroot.opts.Composefs {
		return nil
	}
	opts := ostree.ComposefsOptions{NoVerity: !j.in.composefs.verified && !config("fsverity")}
	_, err := j.sysroot.repo.CheckoutComposefs(ctx, j.deployment.Checksum, filepath.Join(j.deployment.Path, composefsImage), opts)
	return err
}
