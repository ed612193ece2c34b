package assemble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// preseed gives debconf its answers, before the packages that ask are there.
func (b *builder) preseed(ctx context.Context) (err error) {
	if len(b.in.Preseed) == 0 || b.reached >= atConfigured {
		return nil
	}
	answers := strings.Join(b.in.Preseed, "\n") + "\n"
	file := b.cage.path("stage/preseed")
	if err := os.WriteFile(file, []byte(answers), 0o600); err != nil {
		return err
	}
	// Answers may be passwords: they are gone before scripts of packages run.
	defer func() { err = errors.Join(err, os.Remove(file)) }()
	return b.cage.Run(ctx, "preseed", "preseed", "debconf-set-selections", "--", stageTarget+"/preseed")
}

// units enables what the input names. systemctl does it by links alone, because
// SYSTEMD_OFFLINE is set.
func (b *builder) units(ctx context.Context) error {
	if len(b.in.Units) > 0 {
		argv := append([]string{"systemctl", "enable", "--"}, b.in.Units...)
		if err := b.cage.Run(ctx, "units", "units", argv...); err != nil {
			return err
		}
	}
	if b.in.DefaultTarget == "" {
		return nil
	}
	return b.cage.Run(ctx, "units", "units", "systemctl", "set-default", "--", b.in.DefaultTarget)
}

// postprocess runs the input's scripts in their order.
func (b *builder) postprocess(ctx context.Context) error {
	for i, script := range b.in.Postprocess {
		b.progress("postprocess "+script.Name, 0)
		text := script.Text
		if !strings.HasPrefix(text, "#!") {
			text = "#!/bin/sh\nset -e\n" + text
		}
		name := fmt.Sprintf("scripts/%d", i)
		if err := writeExecutable(b.cage.path(filepath.Join("stage", name)), text); err != nil {
			return err
		}
		if err := b.cage.Run(ctx, "postprocess "+script.Name, "postprocess", stageTarget+"/"+name); err != nil {
			return err
		}
		b.progress("postprocess "+script.Name, 1)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
