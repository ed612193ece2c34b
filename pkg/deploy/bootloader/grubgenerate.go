package bootloader

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// GRUBScript is what grub-mkconfig gives to a script of /etc/grub.d.
type GRUBScript struct {
	// DeviceID identifies the device of /boot (GRUB2_BOOT_DEVICE_ID).
	DeviceID string
	// PrepareRoot are the commands that make GRUB find that device (GRUB2_PREPARE_ROOT_CACHE).
	PrepareRoot string
	// EFI uses the commands of a GRUB that has been started by EFI and knows them.
	EFI bool
}

// GenerateGRUB makes the menu entries that libostree's script for grub-mkconfig adds to a menu
// ("ostree admin instutil grub2-generate"). [GRUB] does not need it.
func GenerateGRUB(entries []*bootentry.Entry, script GRUBScript) ([]byte, error) {
	suffix := ""
	if script.EFI {
		suffix = "efi"
	}
	var out bytes.Buffer
	for i, e := range entries {
		kernel, err := linux(e)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "menuentry %s --class gnu-linux --class gnu --class os --unrestricted %s {\n",
			grubQuote(title(e)), grubQuote(fmt.Sprintf("ostree-%d-%s", i, script.DeviceID)))
		out.WriteString("load_video\nset gfxpayload=keep\ninsmod gzio\n" + script.PrepareRoot + "\n")
		fmt.Fprintf(&out, "linux%s %s", suffix, kernel)
		if options := e.Get(bootentry.KeyOptions); options != "" {
			out.WriteString(" " + options)
		}
		out.WriteByte('\n')
		if files := initrds(e); len(files) > 0 {
			fmt.Fprintf(&out, "initrd%s %s\n", suffix, strings.Join(files, " "))
		}
		out.WriteString("}\n")
	}
	return out.Bytes(), nil
}
