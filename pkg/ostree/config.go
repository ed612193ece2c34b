package ostree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// settings is what the file "config" of a repository says, see ostree.repo-config(5).
type settings struct {
	mode           Mode
	parent         string
	sync           bool // fsync
	syncEach       bool // per-object-fsync
	noXattrs       bool // disable-xattrs
	locking        bool
	lockTimeout    time.Duration // negative: for ever
	tmpExpiry      time.Duration
	minFreePercent int64
	minFreeSize    int64 // bytes; wins over percent when positive
	zlibLevel      int
	collection     string
	tombstones     bool // tombstone-commits
	noDeltaList    bool // no-deltas-in-summary
	verifyDeltas   bool // sign-verify-deltas
	autoSummary    bool // auto-update-summary
	addRemotesDir  bool // add-remotes-config-dir
	verity         tristate
	// payloadThreshold is payload-link-threshold: bytes, or noPayloadLinks.
	payloadThreshold uint64
}

func readSettings(f *keyfile.File) (settings, error) {
	if version, _ := f.Get("core", "repo_version"); version != "1" {
		return settings{}, fmt.Errorf("core.repo_version is %q, only 1 is known", version)
	}
	if old, err := f.GetBool("core", "archive", false); err != nil || old {
		return settings{}, errors.New("core.archive marks a format that no program reads any more")
	}
	var s settings
	var err error
	mode := f.GetDefault("core", "mode", "bare")
	if s.mode, err = ParseMode(mode); err != nil {
		return s, &ConfigError{"core", "mode", mode, "bare, bare-user, bare-user-only, archive or bare-split-xattrs is expected"}
	}
	s.parent = f.GetDefault("core", "parent", "")
	s.collection = f.GetDefault("core", "collection-id", "")
	if err := s.readBools(f); err != nil {
		return s, err
	}
	if err := s.readNumbers(f); err != nil {
		return s, err
	}
	if err := s.readIntegrity(f); err != nil {
		return s, err
	}
	return s, s.readSpace(f)
}

func (s *settings) readBools(f *keyfile.File) error {
	for _, b := range []struct {
		key   string
		value *bool
		unset bool
	}{
		{"fsync", &s.sync, true},
		{"per-object-fsync", &s.syncEach, false},
		{"disable-xattrs", &s.noXattrs, false},
		{"locking", &s.locking, true},
		{"add-remotes-config-dir", &s.addRemotesDir, true},
		{"tombstone-commits", &s.tombstones, false},
		{"no-deltas-in-summary", &s.noDeltaList, false},
		{"sign-verify-deltas", &s.verifyDeltas, false},
		{"auto-update-summary", &s.autoSummary, false},
	} {
		var err error
		if *b.value, err = f.GetBool("core", b.key, b.unset); err != nil {
			return fmt.Errorf("core.%s: %w", b.key, err)
		}
	}
	old, err := f.GetBool("core", "commit-update-summary", false) // its old name
	if err != nil {
		return fmt.Errorf("core.commit-update-summary: %w", err)
	}
	s.autoSummary = s.autoSummary || old
	return nil
}

func (s *settings) readNumbers(f *keyfile.File) error {
	timeout, err := number(f, "core", "lock-timeout-secs", 300)
	if err != nil {
		return err
	}
	s.lockTimeout = seconds(timeout)
	expiry, err := number(f, "core", "tmp-expiry-secs", 86400)
	if err != nil {
		return err
	}
	s.tmpExpiry = seconds(expiry)
	level, err := number(f, "archive", "zlib-level", 6)
	if err != nil {
		return err
	}
	s.zlibLevel = int(min(max(level, 1), 9))
	s.payloadThreshold = noPayloadLinks
	if text, ok := f.Get("core", "payload-link-threshold"); ok && text != "-1" {
		if s.payloadThreshold, err = strconv.ParseUint(text, 10, 64); err != nil {
			return &ConfigError{"core", "payload-link-threshold", text, "a number of bytes is expected"}
		}
	}
	return nil
}

func number(f *keyfile.File, group, key string, unset int64) (int64, error) {
	text, ok := f.Get(group, key)
	if !ok {
		return unset, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s.%s: %q is not a number", group, key, text)
	}
	return n, nil
}

func seconds(n int64) time.Duration {
	return time.Duration(min(n, int64(1<<33))) * time.Second
}

func (s *settings) readSpace(f *keyfile.File) error {
	if text, ok := f.Get("core", "min-free-space-size"); ok {
		var err error
		s.minFreeSize, err = parseSpace(text)
		return err
	}
	var err error
	s.minFreePercent, err = number(f, "core", "min-free-space-percent", 3)
	if err == nil && (s.minFreePercent < 0 || s.minFreePercent > 99) {
		err = fmt.Errorf("core.min-free-space-percent: %d is not between 0 and 99", s.minFreePercent)
	}
	return err
}

func parseSpace(text string) (int64, error) {
	match := regexp.MustCompile(`^([0-9]+)([MGT])B$`).FindStringSubmatch(text)
	if match == nil {
		return 0, &ConfigError{"core", "min-free-space-size", text, "a number followed by MB, GB or TB is expected"}
	}
	n, err := strconv.ParseInt(match[1], 10, 64)
	shift := map[string]int{"M": 20, "G": 30, "T": 40}[match[2]]
	if err != nil || n > 1<<62>>shift {
		return 0, &ConfigError{"core", "min-free-space-size", text, "it is out of range"}
	}
	return n << shift, nil
}

// spaceSetting names the key that reserves free space and its value.
func (s *settings) spaceSetting() string {
	if s.minFreeSize > 0 {
		return fmt.Sprintf("min-free-space-size=%dMB", s.minFreeSize>>20)
	}
	return fmt.Sprintf("min-free-space-percent=%d", s.minFreePercent)
}

// newConfig is the text of the configuration of a new repository.
func newConfig(mode Mode, collection string) []byte {
	text := "[core]\nrepo_version=1\nmode=" + mode.String() + "\n"
	if collection != "" {
		text += "collection-id=" + collection + "\n"
	}
	return []byte(text)
}

func loadConfig(path string) (*keyfile.File, settings, error) {
	name := filepath.Join(path, "config")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, settings{}, err
	}
	f, err := keyfile.Parse(data)
	if err != nil {
		return nil, settings{}, &CorruptError{What: name, Err: err}
	}
	s, err := readSettings(f)
	if err != nil {
		return nil, s, fmt.Errorf("%s: %w", name, err)
	}
	return f, s, nil
}
