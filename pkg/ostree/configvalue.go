package ostree

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// ConfigValue returns the value of a key in the repository's configuration.
func (r *Repo) ConfigValue(group, key string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.Get(group, key)
}

// HasConfigGroup tells whether the repository's configuration has a group.
func (r *Repo) HasConfigGroup(group string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.HasGroup(group)
}

// SetConfigValue writes a key into the repository's configuration and keeps
// everything else in the file, comments included. A value that would make the
// repository unusable is refused. Keys that this package reads take effect when
// the repository is opened again.
func (r *Repo) SetConfigValue(group, key, value string) error {
	if !keyfile.ValidGroup(group) || !keyfile.ValidKey(key) {
		return fmt.Errorf("config %s: %q.%q cannot be a key", r.path, group, key)
	}
	return r.changeConfig(group, func(f *keyfile.File) { f.Set(group, key, value) })
}

// UnsetConfigValue removes a key from the repository's configuration. One that
// is not there is no error.
func (r *Repo) UnsetConfigValue(group, key string) error {
	return r.changeConfig(group, func(f *keyfile.File) { f.Delete(group, key) })
}

func (r *Repo) changeConfig(group string, change func(*keyfile.File)) error {
	if name, ok := remoteOfGroup(group); ok {
		if entry, found := r.remoteEntry(name); found && entry.dir {
			return fmt.Errorf("config %s: %w", r.path, &RemoteExistsError{Remote: name, Path: entry.path})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.config.Clone()
	change(changed)
	if err := checkConfig(changed); err != nil {
		return fmt.Errorf("config %s: %w", r.path, err)
	}
	if err := r.writeConfig(changed); err != nil {
		return fmt.Errorf("config %s: %w", r.path, err)
	}
	return nil
}

// writeConfig is called with the lock held.
func (r *Repo) writeConfig(changed *keyfile.File) error {
	if err := fsx.WriteFile(filepath.Join(r.path, "config"), changed.Bytes(), 0o644); err != nil {
		return err
	}
	r.config = changed
	return nil
}

// checkConfig refuses what libostree or this package could not read again.
// Opening a repository is more lenient about keys that it does not use.
func checkConfig(f *keyfile.File) error {
	s, err := readSettings(f)
	if err != nil {
		return err
	}
	if s.collection != "" {
		if err := ValidateCollectionID(s.collection); err != nil {
			return &ConfigError{"core", "collection-id", s.collection, "not a collection id such as org.example.OS"}
		}
	}
	if finders, ok := f.GetList("core", "default-repo-finders"); ok {
		for _, finder := range finders {
			if !slices.Contains([]string{"config", "lan", "mount"}, finder) {
				return &ConfigError{"core", "default-repo-finders", finder, "a list of config, lan and mount is expected"}
			}
		}
	}
	for _, rule := range configRules() {
		value, ok := f.Get(rule.group, rule.key)
		if ok && !rule.valid(value) {
			return &ConfigError{rule.group, rule.key, value, rule.expected}
		}
	}
	return nil
}

// A ConfigError says that a value in a repository's configuration has no meaning.
type ConfigError struct{ Group, Key, Value, Expected string }

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("%s.%s: %q is not valid: %s", e.Group, e.Key, e.Value, e.Expected)
}

type configRule struct {
	group, key, expected string
	valid                func(string) bool
}

// configRules are those of keys that readSettings does not read.
func configRules() []configRule {
	isBool := oneOf("true", "false", "1", "0")
	return []configRule{
		{"core", "enable-uncompressed-cache", "true or false is expected", isBool},
		{"core", "auto-update-summary", "true or false is expected", isBool},
		{"core", "commit-update-summary", "true or false is expected", isBool},
		{"core", "no-deltas-in-summary", "true or false is expected", isBool},
		{"core", "indexed-deltas", "true or false is expected", isBool},
		{"core", "tombstone-commits", "true or false is expected", isBool},
		{"core", "sign-verify-deltas", "true or false is expected", isBool},
		{"sysroot", "readonly", "true or false is expected", isBool},
		{"sysroot", "bootprefix", "true or false is expected", isBool},
		{"sysroot", "bootloader", "auto, none, grub2, syslinux, uboot, zipl or aboot is expected",
			oneOf("auto", "none", "grub2", "syslinux", "uboot", "zipl", "aboot")},
		{"sysroot", "boot-counting-tries", "a number from 0 to 5 is expected", oneOf("0", "1", "2", "3", "4", "5")},
	}
}

func oneOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}
