package assemble

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// verifyDeb checks the file again when it is used, not just when it was
// downloaded. Local packages have no hash to check. origin is for the message.
func verifyDeb(file, origin string, p *apt.Package) error {
	if p.SHA256 == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("package %s: %w", p.Name, &apt.HashMismatchError{URL: origin, Algorithm: "SHA256", Expected: p.SHA256, Got: got})
	}
	return nil
}

// verify checks that what dpkg did is what was planned, and done.
func (b *builder) verify(ctx context.Context) error {
	audit, err := b.cage.output(ctx, "dpkg", "--audit")
	if err != nil {
		return fmt.Errorf("verify the tree: %w", err)
	}
	var problems []string
	if audit = strings.TrimSpace(audit); audit != "" {
		problems = append(problems, "dpkg --audit: "+strings.Join(strings.Fields(audit), " "))
	}
	if err := b.readStatus(); err != nil {
		return fmt.Errorf("verify the tree: %w", err)
	}
	problems = append(problems, b.checkStatus()...)
	left, err := b.leftovers()
	if err != nil {
		return fmt.Errorf("verify the tree: %w", err)
	}
	if problems = append(problems, left...); len(problems) > 0 {
		slices.Sort(problems)
		return &VerifyError{Problems: problems}
	}
	return nil
}

// readStatus reads the database of the merged tree.
func (b *builder) readStatus() error {
	return b.inRoot(func(root *os.Root) error {
		f, err := root.Open("var/lib/dpkg/status")
		if err != nil {
			return err
		}
		defer f.Close()
		b.status, err = dpkg.ReadStatus(f)
		return err
	})
}

// checkStatus compares the database with the plan.
func (b *builder) checkStatus() []string {
	var problems []string
	if audit, ok := errors.AsType[*dpkg.AuditError](dpkg.Audit(b.status)); ok {
		for _, p := range audit.Problems {
			problems = append(problems, p.String())
		}
	}
	installed := map[apt.Key]*apt.Package{}
	for _, p := range dpkg.Installed(b.status) {
		installed[p.Key()] = p
	}
	planned := unpacked(b.in.Batches)
	for _, p := range planned {
		switch now := installed[p.Key()]; {
		case now == nil:
			problems = append(problems, fmt.Sprintf("%s was to be installed and is not", p))
		case now.Version != p.Version:
			problems = append(problems, fmt.Sprintf("%s was to be installed, the tree has version %s", p, now.Version))
		}
	}
	for _, name := range b.in.Purge {
		for _, p := range installed {
			replaced := slices.ContainsFunc(planned, func(q *apt.Package) bool { return q.Key() == p.Key() })
			if !replaced && (name == p.Name || name == qualified(p)) {
				problems = append(problems, fmt.Sprintf("%s was to be purged and is installed", name))
			}
		}
	}
	return problems
}

// leftovers finds what an interrupted dpkg leaves, among the files that
// changed, and removes sockets, which no archive and no commit can hold.
func (b *builder) leftovers() ([]string, error) {
	var problems []string
	seen := map[string]bool{}
	layers := slices.Concat(b.cage.settled, b.cage.layers)
	for i, l := range layers {
		last := i == len(layers)-1
		upper := b.cage.path(l.upper)
		err := filepath.WalkDir(upper, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(strings.TrimPrefix(file, upper), "/")
			if seen[name] {
				return nil
			}
			problem, err := b.leftover(name, entry, last)
			if problem != "" {
				seen[name] = true
				problems = append(problems, problem)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// leftover looks at one entry of an upper directory. What a later layer has
// removed is none.
func (b *builder) leftover(name string, entry fs.DirEntry, last bool) (problem string, err error) {
	temporary := path.Ext(name) == ".dpkg-new" || path.Ext(name) == ".dpkg-tmp"
	switch {
	case name == "var/lib/dpkg/tmp.ci":
		err = b.inRoot(func(root *os.Root) error {
			content, err := fs.ReadDir(root.FS(), name)
			if len(content) > 0 {
				problem = "/" + name + " is left over"
			}
			return ignoreMissing(err)
		})
	case entry.Type()&fs.ModeSocket != 0:
		err = b.inRoot(func(root *os.Root) error { return removeIfThere(root, name) })
	case !entry.Type().IsDir() && temporary:
		var there bool
		if there, err = b.exists(name); there {
			problem = "/" + name + " is left over"
		}
	case entry.Type()&(fs.ModeDevice|fs.ModeNamedPipe) != 0 && !last: // reading the last layer finds them
		err = b.inRoot(func(root *os.Root) error {
			info, err := root.Lstat(name)
			if err == nil && info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe) != 0 {
				problem = "/" + name + " is a device or a pipe, which a commit cannot hold"
			}
			return ignoreMissing(err)
		})
	}
	return problem, err
}
