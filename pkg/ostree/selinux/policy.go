package selinux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// ErrNoPolicy says that a root file system has no SELinux policy, or that its
// configuration has SELinux switched off.
var ErrNoPolicy = errors.New("no SELinux policy")

// A Policy knows the labels that a policy gives to files. It is safe for
// concurrent use.
type Policy struct {
	name     string
	stems    map[string][]*spec // all that can match a path with a stem, the last wins
	noStem   []*spec            // all that can match another path
	local    []substitution     // of the administrator
	dist     []substitution     // of the distribution
	usrIsTop bool               // look /usr/etc up as /etc
}

// Open reads the policy of the root file system in a directory, which may be "/".
// What is in it is not followed out of it. Without a policy the error is
// [ErrNoPolicy].
func Open(root string) (*Policy, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("SELinux policy: %w", err)
	}
	defer r.Close()
	p, err := Read(r.FS())
	if err != nil {
		return nil, fmt.Errorf("SELinux policy of %s: %w", root, err)
	}
	return p, nil
}

// Read is [Open] for a root file system of any kind, such as a commit.
func Read(root fs.FS) (*Policy, error) {
	dir := "etc/selinux"
	if _, err := fs.Stat(root, dir); errors.Is(err, fs.ErrNotExist) {
		dir = "usr/" + dir
	}
	name, err := readConfig(root, path.Join(dir, "config"))
	if err != nil {
		return nil, err
	}
	p := &Policy{name: name, stems: map[string][]*spec{}}
	return p, p.read(root, path.Join(dir, name, "contexts/files/file_contexts"))
}

// Name is the name of the policy, such as "targeted".
func (p *Policy) Name() string { return p.name }

// WithUsrEtc returns a policy that labels /usr/etc as it labels /etc, of which it
// becomes the origin when a commit is deployed.
func (p *Policy) WithUsrEtc() *Policy {
	q := *p
	q.usrIsTop = true
	return &q
}

// Label returns the label of an absolute path, or "" if there is none. Of the
// mode (st_mode) only the type of file matters; 0 is any type.
func (p *Policy) Label(name string, mode uint32) (string, error) {
	if !strings.HasPrefix(name, "/") {
		return "", fmt.Errorf("label of %q: the path is not absolute", name)
	}
	key := p.key(name)
	specs, ok := p.stems[stemOf(key)]
	if !ok {
		specs = p.noStem
	}
	kind := mode & fileType
	text := bytesAsRunes(key)
	for _, s := range slices.Backward(specs) {
		if kind != 0 && s.kind != 0 && s.kind != kind || !strings.HasPrefix(key, s.prefix) || !s.matches(text) {
			continue
		}
		if s.label == "<<none>>" {
			return "", nil
		}
		return s.label, nil
	}
	return "", nil
}

// key turns a path into the one that is looked up.
func (p *Policy) key(name string) string {
	for strings.Contains(name, "//") {
		name = strings.ReplaceAll(name, "//", "/")
	}
	if len(name) > 1 {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "/proc" {
		// Policies give no label to the mount point, since nobody sees it on a running
		// system; libostree takes that of another empty directory.
		name = "/mnt"
	}
	if rest, ok := strings.CutPrefix(name, "/usr/etc"); ok && p.usrIsTop && (rest == "" || rest[0] == '/') {
		name = "/etc" + rest
	}
	return substitute(p.dist, substitute(p.local, name))
}
