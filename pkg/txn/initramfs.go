package txn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// treefilePath is where package compose keeps the treefile of a base.
const treefilePath = "usr/share/apt-ostree/treefile.json"

// initramfsArgs are the arguments that the initramfs of a base was made with, so that one that a layer
// makes necessary is of the same kind. A base that was made by something else has none.
func (s *System) initramfsArgs(ctx context.Context, base ostree.Checksum) ([]string, error) {
	tree, err := s.Repo().FS(ctx, base)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(tree, treefilePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var treefile struct {
		Args []string `json:"initramfs-args"`
	}
	if err := json.Unmarshal(text, &treefile); err != nil {
		return nil, fmt.Errorf("/%s of base %s: %w", treefilePath, base, err)
	}
	return treefile.Args, nil
}
