package bootloader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// UBoot configures U-Boot by a file of variables, /boot/uEnv.txt, which is a symbolic link to
// loader/uEnv.txt: kernel_image, ramdisk_image, fdt_file, fdtdir and bootargs for the default, the same
// with a 2, 3, … for the others, and after those of the default what the tree has in
// usr/lib/ostree-boot/uEnv.txt.
type UBoot struct{}

// Name returns "uboot".
func (UBoot) Name() string { return "uboot" }

// Atomic says that the configuration changes with the boot entries in one step.
func (UBoot) Atomic() bool { return true }

const uEnv = "uEnv.txt"

// maxUEnv bounds what is taken from the tree.
const maxUEnv = 1 << 20

// Write makes the file of variables.
func (UBoot) Write(_ context.Context, c Config) error {
	var lines []string
	for i, e := range c.Entries {
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprint(i + 1)
		}
		if _, err := linux(e); err != nil {
			return err
		}
		for _, kv := range [][2]string{
			{"kernel_image", bootentry.KeyLinux}, {"ramdisk_image", bootentry.KeyInitrd},
			{"fdt_file", bootentry.KeyDeviceTree}, {"fdtdir", bootentry.KeyDTBDir}, {"bootargs", bootentry.KeyOptions},
		} {
			value := e.Get(kv[1])
			if kv[1] != bootentry.KeyOptions && value != "" {
				value = c.inDevice(value)
			}
			if value != "" {
				lines = append(lines, kv[0]+suffix+"="+value)
			}
		}
		if i > 0 {
			continue
		}
		own, err := treeVariables(c.Default)
		if err != nil {
			return err
		}
		lines = append(lines, own...)
	}
	if err := os.MkdirAll(c.loaderDir(), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(c.file(uEnv), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// treeVariables are those that come with the deployment.
func treeVariables(deployment string) ([]string, error) {
	if deployment == "" {
		return nil, nil
	}
	tree, err := os.OpenRoot(deployment)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	const name = "usr/lib/ostree-boot/" + uEnv
	info, err := tree.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxUEnv {
		return nil, fmt.Errorf("%s has %d bytes: more than %d are not plausible", filepath.Join(deployment, name), info.Size(), maxUEnv)
	}
	text, err := tree.ReadFile(name)
	return []string{string(text)}, err
}

// Finish makes /boot/uEnv.txt lead to the file of variables.
func (UBoot) Finish(_ context.Context, c Config) error {
	return redirect(c, uEnv, uEnv, uEnv+".before-ostree")
}
