package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// State says what has been made live in a running deployment.
type State struct {
	// Replaced is the commit that is live, "" if that is the booted one.
	Replaced string `json:"live-replaced,omitempty"`
	// InProgress is the commit that a run, which has not ended, makes live.
	InProgress string `json:"live-inprogress,omitempty"`
	// Etc are the paths in /etc that were given new defaults, or are about to be.
	Etc []string `json:"etc,omitempty"`
}

// fileName of the state in the directory of a deployment's state.
const fileName = "apt-ostree-live.json"

// Load reads the state; the zero State if there is none.
func Load(dir string) (State, error) {
	var s State
	data, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("state of what is live: %w", err)
	}
	return s, nil
}

// Save replaces the state; the zero State removes it.
func (s State) Save(dir string) error {
	path := filepath.Join(dir, fileName)
	if s.Replaced == "" && s.InProgress == "" && len(s.Etc) == 0 {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return fsx.WriteFile(path, data, 0o644)
}
