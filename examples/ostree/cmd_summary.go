package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdSummary() *command {
	var update, view bool
	var show summaryView
	var signing signFlags
	var opts ostree.SummaryOptions
	return &command{
		name: "summary", summary: "Manage summary metadata",
		flags: func(f *flags) {
			f.Bool(&update, "update", "u", "Update the summary")
			f.Bool(&view, "view", "v", "View the local summary file")
			show.add(f, "View the raw bytes of the summary file")
			signing.addGPG(f, "summary")
			f.Strings(&signing.keys, "sign", "", "KEY-ID", "Key ID to sign the summary with")
			f.String(&signing.engine, "sign-type", "", "NAME", "Signature type to use (defaults to 'ed25519')")
			f.Func(summaryMetadata(&opts.Metadata), "add-metadata", "m", "KEY=VALUE", "Additional metadata field to add to the summary")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if update {
				return updateSummary(ctx, e, repo, &signing, opts)
			}
			if !view && show.whole() {
				return errors.New("No option specified; use -u to update summary")
			}
			data, signatures, err := repo.ReadSummary(ctx)
			if errors.Is(err, fs.ErrNotExist) {
				return errors.New("openat(summary): No such file or directory")
			}
			if err != nil {
				return err
			}
			if err := show.print(e, data); err != nil || !show.whole() {
				return err
			}
			return e.printSummarySignatures(ctx, repo, data, signatures, signing.gpgHome)
		},
	}
}

func updateSummary(ctx context.Context, e *env, repo *ostree.Repo, signing *signFlags, opts ostree.SummaryOptions) error {
	var err error
	if opts.Timestamp, err = e.sourceDate(); err != nil {
		return err
	}
	if opts.Signers, err = signing.signers(e); err != nil {
		return err
	}
	return repo.UpdateSummary(ctx, opts)
}

// summaryMetadata reads options of the form KEY=VALUE with a value in GVariant's
// text format. The last of several for one key counts.
func summaryMetadata(m *ostree.Metadata) func(string) error {
	return func(text string) error {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("Missing '=' in KEY=VALUE metadata '%s'", text)
		}
		v, err := gvariant.ParseText("", value)
		if err != nil {
			return fmt.Errorf("Error parsing variant ‘%s’: %w", value, err)
		}
		m.Set(key, v)
		return nil
	}
}

// printSummarySignatures describes the GPG signatures of a summary, by all keys
// that the repository knows and those of a GPG home directory.
func (e *env) printSummarySignatures(ctx context.Context, repo *ostree.Repo, data, signatures []byte, home string) error {
	if signatures == nil {
		e.println("Summary is unsigned")
		return nil
	}
	m, err := ostree.ParseSignatures(signatures)
	if err != nil {
		return err
	}
	list, err := m.Signatures(sign.GPG)
	if err != nil || len(list) == 0 {
		return err
	}
	keys, err := repo.AllKeys(home)
	if err != nil {
		return err
	}
	found, err := keys.Check(ctx, data, list)
	if err != nil {
		return err
	}
	plural := "s"
	if len(found) == 1 {
		plural = ""
	}
	e.printf("\nFound %d signature%s on the summary:\n", len(found), plural)
	for _, s := range found {
		e.printf("\n%s", s.Describe("  ", time.Local))
	}
	return nil
}
