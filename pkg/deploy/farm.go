package deploy

import (
	"fmt"
	"os"
	"path/filepath"
)

// makeFarm makes the directory of links from what boot entries name, stateroot, boot checksum and a
// serial, to deployments. It is what lets deployments change without touching boot entries.
func (w *writer) makeFarm() error {
	farm := w.sysroot.farmDir(w.boot, w.sub)
	if err := removeAll(farm); err != nil {
		return err
	}
	if err := os.Mkdir(farm, 0o755); err != nil {
		return err
	}
	for _, d := range w.list {
		dir := filepath.Join(farm, d.Stateroot, d.BootChecksum)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		target := fmt.Sprintf("../../../deploy/%s/deploy/%s", d.Stateroot, d.Name())
		if err := os.Symlink(target, filepath.Join(dir, fmt.Sprint(d.BootSerial))); err != nil {
			return err
		}
	}
	return nil
}

// bootLinkPath is the path through the link farm that the kernel argument ostree= names.
func (w *writer) bootLinkPath(d Deployment) string {
	return fmt.Sprintf("/ostree/boot.%d/%s/%s/%d", w.boot, d.Stateroot, d.BootChecksum, d.BootSerial)
}
