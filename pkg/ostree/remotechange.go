package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// A RemoteOption is one key of the configuration of a remote. A list, such as
// branches, has its items separated by semicolons.
type RemoteOption struct{ Key, Value string }

// AddRemoteOptions say what [Repo.AddRemote] writes.
type AddRemoteOptions struct {
	// URL may begin with "metalink=" or "mirrorlist=". It may be empty if Options
	// has metalink or custom-backend.
	URL string
	// Options are further keys in the order in which they are written.
	Options []RemoteOption
	// Replace takes the place of a remote of the same name. Without it that is a
	// [*RemoteExistsError].
	Replace bool
}

// AddRemote configures a remote: in [Options.RemotesDir] if there is one and
// core.add-remotes-config-dir does not say otherwise, else in the configuration
// of the repository.
func (r *Repo) AddRemote(name string, o AddRemoteOptions) error {
	if !isFragment(name) {
		return &RemoteNameError{Name: name}
	}
	options, err := o.all()
	if err != nil {
		return fmt.Errorf("add remote %s: %w", name, err)
	}
	entry, found := r.remoteEntry(name)
	if found && !o.Replace {
		return &RemoteExistsError{Remote: name, Path: entry.path, InConfig: !entry.dir}
	}
	switch {
	case found:
	case r.addsToRemotesDir():
		path := filepath.Join(r.opts.RemotesDir, name+".conf")
		if _, err := os.Lstat(path); err == nil {
			return &RemoteExistsError{Remote: name, Path: path}
		}
		entry = remoteEntry{file: keyfile.New(), path: path, dir: true}
	default:
		entry = remoteEntry{path: filepath.Join(r.path, "config")}
	}
	if err := r.writeRemote(name, entry, options); err != nil {
		return fmt.Errorf("add remote %s: %w", name, err)
	}
	return nil
}

// all returns every key to write, that of the URL first.
func (o *AddRemoteOptions) all() ([]RemoteOption, error) {
	var options []RemoteOption
	if metalink, ok := strings.CutPrefix(o.URL, "metalink="); ok {
		options = append(options, RemoteOption{"metalink", metalink})
	} else if o.URL != "" {
		options = append(options, RemoteOption{"url", o.URL})
	}
	options = append(options, o.Options...)
	reachable := false
	for _, option := range options {
		if !keyfile.ValidKey(option.Key) {
			return nil, fmt.Errorf("%q cannot be a key", option.Key)
		}
		reachable = reachable || option.Key == "url" || option.Key == "metalink" || option.Key == "custom-backend"
	}
	if !reachable {
		return nil, errors.New("no URL given")
	}
	return options, nil
}

func (r *Repo) addsToRemotesDir() bool {
	return r.opts.RemotesDir != "" && r.settings.addRemotesDir
}

func (r *Repo) writeRemote(name string, entry remoteEntry, options []RemoteOption) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	source := entry.file
	if !entry.dir {
		source = r.config
	}
	file := source.Clone()
	group := remoteGroup(name)
	file.DeleteGroup(group)
	for _, option := range options {
		file.Set(group, option.Key, option.Value)
	}
	entry.file = file
	if _, err := parseRemote(name, entry); err != nil {
		return err
	}
	if !entry.dir {
		return r.writeConfig(file)
	}
	if err := os.MkdirAll(filepath.Dir(entry.path), 0o755); err != nil {
		return err
	}
	if err := fsx.WriteFile(entry.path, file.Bytes(), 0o644); err != nil {
		return err
	}
	if r.remoteFiles == nil {
		r.remoteFiles = make(map[string]remoteEntry)
	}
	// One file may hold several remotes.
	for other, e := range r.remoteFiles {
		if e.path == entry.path {
			r.remoteFiles[other] = entry
		}
	}
	r.remoteFiles[name] = entry
	return nil
}

// DeleteRemote removes the configuration of a remote and its keyring. A remote
// of [Options.RemotesDir] takes its file with it. Those of parent repositories
// are not touched and give a [*RemoteNotFoundError].
func (r *Repo) DeleteRemote(name string) error {
	entry, ok := r.remoteEntry(name)
	if !ok {
		return &RemoteNotFoundError{Remote: name, Path: r.path}
	}
	if err := r.removeRemote(name, entry); err != nil {
		return fmt.Errorf("delete remote %s: %w", name, err)
	}
	return nil
}

func (r *Repo) removeRemote(name string, entry remoteEntry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if entry.dir {
		if err := os.Remove(entry.path); err != nil {
			return err
		}
		for other, e := range r.remoteFiles {
			if e.path == entry.path {
				delete(r.remoteFiles, other)
			}
		}
	} else {
		file := r.config.Clone()
		file.DeleteGroup(remoteGroup(name))
		if err := r.writeConfig(file); err != nil {
			return err
		}
	}
	for _, dir := range []string{r.path, r.opts.RemotesDir} {
		if dir == "" || !isFragment(name) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, keyringName(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A RemoteExistsError says that a remote of a name is configured already.
type RemoteExistsError struct {
	Remote   string
	Path     string // of the file that configures it
	InConfig bool   // which is the configuration of the repository
}

// Error implements error.
func (e *RemoteExistsError) Error() string {
	return fmt.Sprintf("remote %q is configured already in %s", e.Remote, e.Path)
}

// A RemoteNameError says that a string cannot name a remote.
type RemoteNameError struct{ Name string }

// Error implements error.
func (e *RemoteNameError) Error() string {
	return fmt.Sprintf("%q cannot name a remote: letters, digits, \"_\", \"-\" and \".\" may, the last two not in front", e.Name)
}
