package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// composefsImage is the composefs image of a deployment, which its initramfs may mount as the root.
const composefsImage = ".ostree.cfs"

// composefsArg is the kernel argument that overrides what the tree says of that.
const composefsArg = "ostree.prepare-root.composefs"

// prepareRootFiles are what says it in the tree (ostree-prepare-root(1)). The initramfs has copies of both, of which the
// second overrides the first. An image that is not mounted in the end does no harm; one that is missing does.
func prepareRootFiles() []string {
	return []string{"usr/lib/ostree/prepare-root.conf", "usr/etc/ostree/prepare-root.conf"}
}

// maxPrepareRoot bounds prepare-root.conf, which has a few lines.
const maxPrepareRoot = 64 << 10

// composefsUse is what a tree wants of composefs.
type composefsUse struct {
	// wanted tells that the initramfs mounts the image if it can, or must; verified that it checks
	// digests of files, which the image must have then.
	wanted, verified bool
}

// findComposefs reads what the tree says.
func (in *inspected) findComposefs(tree fs.FS, c ostree.Checksum) error {
	for _, name := range prepareRootFiles() {
		if err := in.readPrepareRoot(tree, c, name); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspected) readPrepareRoot(tree fs.FS, c ostree.Checksum, prepareRoot string) error {
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
	if !j.wantsImage() {
		return nil
	}
	_, err := j.sysroot.repo.CheckoutComposefs(ctx, j.deployment.Checksum, filepath.Join(j.deployment.Path, composefsImage), j.imageOptions())
	return err
}

// wantsImage tells whether there is to be an image: because the initramfs mounts it, or because somebody said so.
func (j *job) wantsImage() bool {
	return j.in.composefs.wanted || j.integrity("composefs") || j.sysroot.opts.Composefs || j.composefsArg() != "no"
}

func (j *job) imageOptions() ostree.ComposefsOptions {
	verified := j.in.composefs.verified || j.integrity("fsverity") || slices.Contains([]string{"verity", "signed"}, j.composefsArg())
	return ostree.ComposefsOptions{NoVerity: !verified}
}

// composefsArg is what the kernel arguments say, "no" if they say nothing.
func (j *job) composefsArg() string {
	switch value, _ := j.deployment.Kargs.Get(composefsArg); value {
	case "", "false", "0":
		return "no"
	default:
		return value
	}
}

// integrity reads a switch of group ex-integrity of the repository configuration.
func (j *job) integrity(key string) bool {
	value, _ := j.sysroot.repo.ConfigValue("ex-integrity", key)
	return value == "true" || value == "yes" || value == "1"
}
