package apt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// state is the last good Release file of a release, as it came, with what the server said about it.
// It is verified again whenever it is used: keys may have been withdrawn since.
type state struct {
	Release      string // "URI suite", for whoever looks into the file
	ETag         string `json:",omitempty"`
	LastModified string `json:",omitempty"`
	// Inline is InRelease; otherwise Plain is Release and Signature Release.gpg.
	Inline    []byte `json:",omitempty"`
	Plain     []byte `json:",omitempty"`
	Signature []byte `json:",omitempty"`
}

// document is what to tell the server about it.
func (s *state) document() *archive.Document {
	if s == nil {
		return nil
	}
	return &archive.Document{ETag: s.ETag, LastModified: s.LastModified}
}

// states is the directory of states, one file per release.
type states struct{ dir string }

func (d states) path(r source.Release) string {
	sum := sha256.Sum256([]byte(r.String()))
	return filepath.Join(d.dir, hex.EncodeToString(sum[:16])+".json")
}

// load returns the state of a release, nil if there is none or if it is unreadable: then it is as if
// the archive had never been seen.
func (d states) load(r source.Release) (*state, error) {
	data, err := os.ReadFile(d.path(r))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(state)
	if readable := json.Unmarshal(data, s) == nil; !readable || s.Release != r.String() {
		return nil, nil
	}
	return s, nil
}

func (d states) save(r source.Release, s *state) error {
	s.Release = r.String()
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	if err := fsx.WriteFile(d.path(r), data, 0o644); err != nil {
		return fmt.Errorf("remember %s: %w", r, err)
	}
	return nil
}

func (d states) clear() error { return os.RemoveAll(d.dir) }
