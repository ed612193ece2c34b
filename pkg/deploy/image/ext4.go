package image

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// writeRoot makes the root file system from a directory. Owners, modes, attributes and hard links are
// those of the directory.
func writeRoot(ctx context.Context, disk string, p partition, id guid, sysroot string) error {
	_, err := run(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-L", p.name, "-U", id.String(),
		"-E", fmt.Sprintf("offset=%d,lazy_itable_init=1,lazy_journal_init=1", p.start), "-d", sysroot, disk, fmt.Sprintf("%dk", p.size/1024))
	if err != nil {
		return fmt.Errorf("root file system: %w", err)
	}
	return sealDeployments(ctx, disk, p, sysroot)
}

// ext4Immutable is EXT4_IMMUTABLE_FL of the kernel's documentation of ext4.
const ext4Immutable = 0x10

// inodeFlags is what debugfs prints of an inode.
var inodeFlags = regexp.MustCompile(`(?m)Flags: (0x[0-9a-f]+)`)

// sealDeployments makes the roots of the deployments immutable, as libostree does: mke2fs does not copy
// that attribute.
func sealDeployments(ctx context.Context, disk string, p partition, sysroot string) error {
	found, err := filepath.Glob(filepath.Join(sysroot, "ostree/deploy/*/deploy/*.[0-9]*"))
	if err != nil {
		return err
	}
	device := fmt.Sprintf("%s?offset=%d", disk, p.start)
	for _, path := range found {
		if strings.HasSuffix(path, ".origin") {
			continue
		}
		name, err := filepath.Rel(sysroot, path)
		if err != nil {
			return err
		}
		out, err := run(ctx, "debugfs", "-R", "stat /"+name, device)
		if err != nil {
			return err
		}
		m := inodeFlags.FindSubmatch(out)
		if m == nil {
			return fmt.Errorf("debugfs says nothing of the flags of /%s on %s", name, disk)
		}
		flags, err := strconv.ParseUint(string(m[1]), 0, 32)
		if err != nil {
			return err
		}
		if _, err := run(ctx, "debugfs", "-w", "-R", fmt.Sprintf("set_inode_field /%s flags %#x", name, flags|ext4Immutable), device); err != nil {
			return err
		}
	}
	return nil
}
