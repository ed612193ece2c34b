package apt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"syscall"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

const (
	// keepVerdict is how long a verdict is believed at most.
	keepVerdict = 7 * 24 * time.Hour
	// settled is how old the last change of a file must be so that another one within the same tick of the
	// file system's clock cannot go unnoticed.
	settled = 2 * time.Second
)

// verdict is that a release was verified, and what that gave: which lists it has. It is kept next to the
// lists, which are believed as well, and holds as long as each file that led to it is the same, and no key
// has expired since. Dates of the release are checked anew each time.
type verdict struct {
	Inputs      []fileState
	From, Until time.Time

	Release archive.Release // without its files
	Lists   []keptList
	Digest  string
}

// fileState tells a file, or a directory, from what it might be replaced by.
type fileState struct {
	Path string // "" for a file of the cache, else below the root of the client
	// Missing files may not appear.
	Missing        bool   `json:",omitempty"`
	Device, Inode  uint64 `json:",omitempty"`
	Size           int64  `json:",omitempty"`
	Changed, Wrote int64  `json:",omitempty"` // nanoseconds: ctime and mtime
}

// keptList is a list of a release: its name in the cache, and the component it is of.
type keptList struct{ Name, Component string }

// verdictPath is where the verdict on a release is, for these options and with this root.
func (c *Client) verdictPath(r source.Release) (string, error) {
	text, err := json.Marshal(struct {
		Release source.Release
		Root    string
	}{r, c.options.Root})
	sum := sha256.Sum256(text)
	return filepath.Join(c.listsDir(), "verdict-"+hex.EncodeToString(sum[:16])), err
}

// inputs are the files that a verdict depends on: the Release file and the keyrings.
func (c *Client) inputs(r source.Release) ([]fileState, error) {
	info, err := os.Stat(c.states().path(r))
	if err != nil {
		return nil, err
	}
	list := []fileState{newFileState("", info)}
	files := r.Options.SignedBy.Keyrings
	if len(files) == 0 && r.Options.SignedBy.Key == "" {
		const dir = "/etc/apt/trusted.gpg.d"
		names, err := inroot.ReadDir(c.options.Root, dir)
		if err != nil {
			return nil, err
		}
		files = []string{dir}
		for _, name := range names {
			files = append(files, path.Join(dir, name))
		}
	}
	for _, file := range files {
		info, err := inroot.Stat(c.options.Root, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			list = append(list, fileState{Path: file, Missing: true})
		case err != nil:
			return nil, err
		default:
			list = append(list, newFileState(file, info))
		}
	}
	return list, nil
}

func newFileState(file string, info fs.FileInfo) fileState {
	s := fileState{Path: file, Size: info.Size(), Wrote: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Device, s.Inode, s.Changed = stat.Dev, stat.Ino, stat.Ctim.Nano()
	}
	return s
}

// believe returns what a verdict that still holds gave, nil if there is none.
func (c *Client) believe(r source.Release) *list {
	file, err := c.verdictPath(r)
	if err != nil {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	v, now := new(verdict), c.options.Clock()
	if json.Unmarshal(data, v) != nil || now.Before(v.From) || !now.Before(v.Until) {
		return nil
	}
	inputs, err := c.inputs(r)
	if err != nil || !reflect.DeepEqual(inputs, v.Inputs) {
		return nil
	}
	if c.checkDates(r, &verified{release: &v.Release}) != nil {
		return nil // whoever verifies it says why
	}
	l := &list{digest: v.Digest}
	origins := map[string]*Origin{}
	for _, k := range v.Lists {
		path := filepath.Join(c.listsDir(), filepath.Base(k.Name))
		kept, err := listfile.Open(path)
		if err != nil {
			return nil
		}
		c.markUsed(path)
		if origins[k.Component] == nil {
			origins[k.Component] = newOrigin(r, &v.Release, k.Component)
		}
		l.parts = append(l.parts, part{kept, origins[k.Component], k.Name})
	}
	c.markUsed(file)
	return l
}

// conclude keeps a verdict for the next time. One that cannot be kept only costs time.
func (c *Client) conclude(r source.Release, inputs []fileState, keyring *archive.Keyring, release *archive.Release, l *list) {
	err := c.keepVerdict(r, inputs, keyring, release, l)
	if err != nil {
		c.options.Logger.Debug("that a release was verified is not kept", "archive", r.String(), "error", err.Error())
	}
}

func (c *Client) keepVerdict(r source.Release, inputs []fileState, keyring *archive.Keyring, release *archive.Release, l *list) error {
	now := c.options.Clock()
	v := verdict{Inputs: inputs, From: now, Until: now.Add(keepVerdict), Release: *release, Digest: l.digest}
	v.Release.Files = nil
	for _, i := range inputs {
		if now.Sub(time.Unix(0, max(i.Changed, i.Wrote))) < settled {
			return nil // next time
		}
	}
	if until := keyring.StableUntil(now); !until.IsZero() && until.Before(v.Until) {
		v.Until = until
	}
	for _, p := range l.parts {
		if p.name == "" {
			return nil // it is not kept either
		}
		v.Lists = append(v.Lists, keptList{p.name, p.origin.Component})
	}
	stored, err := c.states().load(r)
	if err != nil || stored == nil {
		return err
	}
	if archive.SignaturesExpire(stored.Inline, stored.Signature) {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	file, err := c.verdictPath(r)
	if err != nil {
		return err
	}
	return fsx.WriteFile(file, data, 0o644)
}
