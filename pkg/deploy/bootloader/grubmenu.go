package bootloader

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// triesVariable is the counter in the environment block.
const triesVariable = "ostree_tries"

// countFile is the environment block with the counter, as GRUB sees it.
const countFile = "/boot/loader/" + grubEnv

const menuHead = `# Made from the entries in loader/entries with every change of the deployments, and replaced then.
# Your own additions belong into custom.cfg beside grub.cfg.
set timeout=5
set default=ostree-0
if [ -s $prefix/grubenv ]; then
  load_env
fi
`

// An entry for one boot, as grub-reboot(8) sets it, comes after the counter: it was asked for.
const menuChoice = `if [ "${next_entry}" ]; then
  set default="${next_entry}"
  set next_entry=
  save_env next_entry
fi
if [ x$feature_all_video_module = xy ]; then
  insmod all_video
fi
set gfxpayload=keep
`

const menuTail = `if [ -f $prefix/` + grubKept + ` ]; then
  menuentry 'Former menu' --id 'ostree-former-menu' {
    configfile $prefix/` + grubKept + `
  }
fi
if [ -f $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
`

// menu makes a grub.cfg. Paths are relative to the device that GRUB found its configuration on.
func menu(c Config) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(menuHead)
	left, counted := c.tries()
	if counted {
		fmt.Fprintf(&out, "load_env --file %s %s\nif [ \"${%s}\" = 0 ]; then\n  set default=ostree-1\nfi\n", countFile, triesVariable, triesVariable)
	}
	out.WriteString(menuChoice)
	for i, e := range c.Entries {
		var before string
		if i == 0 && counted {
			before = countDown(left)
		}
		if err := menuEntry(&out, e, fmt.Sprintf("ostree-%d", i), before); err != nil {
			return nil, err
		}
	}
	out.WriteString(menuTail)
	return out.Bytes(), nil
}

// countDown is the script that takes one off the counter. GRUB cannot subtract.
func countDown(from int) string {
	var out strings.Builder
	word := "if"
	for n := from; n > 0; n-- {
		fmt.Fprintf(&out, "  %s [ \"${%s}\" = %d ]; then\n    set %s=%d\n", word, triesVariable, n, triesVariable, n-1)
		word = "elif"
	}
	if from > 0 {
		fmt.Fprintf(&out, "  fi\n  save_env --file %s %s\n", countFile, triesVariable)
	}
	return out.String()
}

// menuEntry writes one entry; before is a script that runs when it is chosen.
func menuEntry(out *bytes.Buffer, e *bootentry.Entry, id, before string) error {
	kernel, err := linux(e)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "menuentry %s --class gnu-linux --class os --unrestricted --id %s {\n%s", grubQuote(title(e)), grubQuote(id), before)
	fmt.Fprintf(out, "  linux %s%s\n", grubWord(fromRoot(kernel)), grubArgs(e))
	if files := initrds(e); len(files) > 0 {
		out.WriteString("  initrd")
		for _, file := range files {
			out.WriteString(" " + grubWord(fromRoot(file)))
		}
		out.WriteByte('\n')
	}
	if tree := e.Get(bootentry.KeyDeviceTree); tree != "" {
		fmt.Fprintf(out, "  devicetree %s\n", grubWord(fromRoot(tree)))
	}
	out.WriteString("}\n")
	return nil
}

// grubArgs returns the kernel arguments, each with a space before it. GRUB puts double quotes around
// an argument with a space in it, and the kernel understands those, so they are not written twice.
func grubArgs(e *bootentry.Entry) string {
	var out strings.Builder
	for _, arg := range kargs.Parse(e.Get(bootentry.KeyOptions)) {
		out.WriteString(" " + grubWord(strings.ReplaceAll(arg, `"`, "")))
	}
	return out.String()
}

// grubWord quotes a word of a GRUB script if that is necessary.
func grubWord(word string) string {
	isPlain := func(r rune) bool {
		return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+=:,@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !isPlain(r) }) < 0 {
		return word
	}
	return grubQuote(word)
}

// grubQuote quotes a word of a GRUB script.
func grubQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
