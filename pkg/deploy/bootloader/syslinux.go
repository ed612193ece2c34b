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

// Syslinux configures SYSLINUX, EXTLINUX and what reads the same configuration, such as the generic
// boot of U-Boot. It carries the present configuration over to loader.VERSION, with the labels that
// are not for OSTree, and adds one label for each boot entry. The present file becomes a symbolic link.
type Syslinux struct {
	// Dir is the directory below /boot, "syslinux" or "extlinux".
	Dir string
}

// Name returns "syslinux" or "extlinux".
func (s Syslinux) Name() string { return s.Dir }

// Atomic says that the configuration changes with the boot entries in one step.
func (Syslinux) Atomic() bool { return true }

// config is the name of the configuration file in Dir and in the directory loader.
func (s Syslinux) config() string {
	if s.Dir == "extlinux" {
		return "extlinux.conf"
	}
	return "syslinux.cfg"
}

// Write makes the configuration.
func (s Syslinux) Write(_ context.Context, c Config) error {
	path := filepath.Join(c.Boot, s.Dir, s.config())
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept, keepDefault, err := foreignLabels(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines, err := s.labels(c, !keepDefault)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.loaderDir(), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(c.file(s.config()), []byte(strings.Join(append(kept, lines...), "\n")+"\n"), 0o644)
}

// Finish makes the file at which the boot loader looks lead there.
func (s Syslinux) Finish(_ context.Context, c Config) error {
	return redirect(c, filepath.Join(s.Dir, s.config()), s.config(), "")
}

// labels makes the labels for OSTree.
func (Syslinux) labels(c Config, setDefault bool) ([]string, error) {
	var lines []string
	for i, e := range c.Entries {
		kernel, err := linux(e)
		if err != nil {
			return nil, err
		}
		if i == 0 && setDefault {
			lines = append(lines, "DEFAULT "+title(e))
		}
		lines = append(lines, "LABEL "+title(e), "\tKERNEL "+c.inDevice(kernel))
		var files []string
		for _, file := range initrds(e) {
			files = append(files, c.inDevice(file))
		}
		if len(files) > 0 {
			lines = append(lines, "\tINITRD "+strings.Join(files, ","))
		}
		for _, kv := range [][2]string{
			{"\tDEVICETREE ", bootentry.KeyDeviceTree}, {"\tFDTDIR ", bootentry.KeyDTBDir}, {"\tAPPEND ", bootentry.KeyOptions},
		} {
			value := e.Get(kv[1])
			if kv[1] != bootentry.KeyOptions && value != "" {
				value = c.inDevice(value)
			}
			if value != "" {
				lines = append(lines, kv[0]+value)
			}
		}
	}
	return lines, nil
}

// block is a part of a configuration: a label with its lines, or one other line.
type block struct {
	lines         []string
	label, kernel string
	isLabel, sets bool
	byDefault     string
}

// own reports whether it is a label for OSTree.
func (b block) own() bool {
	return b.isLabel && strings.HasPrefix(strings.TrimPrefix(b.kernel, "/boot"), "/ostree/")
}

// foreignLabels returns the lines of a configuration without the labels for OSTree, and whether the
// default, which stays as well, is another one.
func foreignLabels(text string) (lines []string, keepDefault bool, err error) {
	blocks := splitBlocks(text)
	own := make(map[string]bool)
	for _, b := range blocks {
		if b.isLabel && b.kernel == "" {
			return nil, false, fmt.Errorf("label %q has no kernel", b.label)
		}
		own[b.label] = own[b.label] || b.own()
	}
	inLabel := false
	for i, b := range blocks {
		switch {
		case b.own() || (b.sets && own[b.byDefault]):
			continue
		case i > 0 && blocks[i-1].own() && b.lines[0] == "":
			continue // It ended that label.
		case inLabel && !b.isLabel && isIndented(b.lines[0]):
			lines = append(lines, "") // It was no part of the label, and must not become one.
		}
		keepDefault = keepDefault || b.sets
		inLabel = b.isLabel
		lines = append(lines, b.lines...)
	}
	return lines, keepDefault, nil
}

func isIndented(line string) bool { return line != "" && (line[0] == '\t' || line[0] == ' ') }

// splitBlocks splits a configuration. A label reaches as far as lines are indented.
func splitBlocks(text string) []block {
	if text == "" {
		return nil
	}
	var blocks []block
	for line := range strings.SplitSeq(text, "\n") {
		word, rest := cutWord(line)
		if last := len(blocks) - 1; last >= 0 && blocks[last].isLabel && isIndented(line) && word != "label" {
			blocks[last].lines = append(blocks[last].lines, line)
			if word == "kernel" || word == "linux" {
				blocks[last].kernel = rest
			}
			continue
		}
		b := block{lines: []string{line}}
		switch word {
		case "label":
			b.isLabel, b.label = true, rest
		case "default":
			b.sets, b.byDefault = true, rest
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// cutWord returns the first word of a line, in lower case, and what follows it.
func cutWord(line string) (word, rest string) {
	line = strings.TrimSpace(line)
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return strings.ToLower(line), ""
	}
	return strings.ToLower(line[:at]), strings.TrimSpace(line[at:])
}
