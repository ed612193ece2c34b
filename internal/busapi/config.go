package busapi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// Policy says what is done on its own about updates.
type Policy string

// The policies: nothing, look whether there is one, stage it for the next boot, boot it.
const (
	PolicyNone  Policy = "none"
	PolicyCheck Policy = "check"
	PolicyStage Policy = "stage"
	PolicyApply Policy = "apply"
)

// Config is /etc/apt-ostreed.conf, a key file with the group Daemon.
type Config struct {
	// AutomaticUpdatePolicy is obeyed when the timer triggers.
	AutomaticUpdatePolicy Policy
	// IdleExitTimeout is how long the daemon stays with nothing to do; zero is forever.
	IdleExitTimeout time.Duration
	// StartTimeout is how long a transaction waits for its client to start it.
	StartTimeout time.Duration
	// LockLayering forbids trees that differ from the base.
	LockLayering bool
	// RpmOstreeCompatibility answers under the names of rpm-ostree too.
	RpmOstreeCompatibility bool
	// Unknown are the keys that mean nothing, such as those of later versions.
	Unknown []string
}

// ConfigPath is where the configuration is unless the daemon is told otherwise.
const ConfigPath = "/etc/apt-ostreed.conf"

const configGroup = "Daemon"

// DefaultConfig is what an empty file says.
func DefaultConfig() Config {
	return Config{AutomaticUpdatePolicy: PolicyNone, IdleExitTimeout: time.Minute, StartTimeout: time.Minute}
}

// LoadConfig reads the configuration. A file that does not exist is an empty one; a value that means nothing is an
// error, which names the file and the key.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	file, err := keyfile.Parse(data)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	for _, key := range file.Keys(configGroup) {
		value, _ := file.Get(configGroup, key)
		if err := c.set(file, key, value); err != nil {
			return c, fmt.Errorf("%s: %s=%s: %w", path, key, value, err)
		}
	}
	return c, nil
}

func (c *Config) set(file *keyfile.File, key, value string) (err error) {
	switch key {
	case "AutomaticUpdatePolicy":
		c.AutomaticUpdatePolicy, err = parsePolicy(value)
	case "IdleExitTimeout":
		c.IdleExitTimeout, err = seconds(value)
	case "StartTimeout":
		c.StartTimeout, err = seconds(value)
	case "LockLayering":
		c.LockLayering, err = file.GetBool(configGroup, key, false)
	case "RpmOstreeCompatibility":
		c.RpmOstreeCompatibility, err = file.GetBool(configGroup, key, false)
	default:
		c.Unknown = append(c.Unknown, key)
	}
	return err
}

func parsePolicy(value string) (Policy, error) {
	switch value {
	case "", "off":
		return PolicyNone, nil
	case "ex-stage":
		return PolicyStage, nil
	}
	p := Policy(value)
	if !slices.Contains([]Policy{PolicyNone, PolicyCheck, PolicyStage, PolicyApply}, p) {
		return PolicyNone, errors.New("neither none, check, stage nor apply")
	}
	return p, nil
}

func seconds(value string) (time.Duration, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, errors.New("not a number of seconds")
	}
	return time.Duration(n) * time.Second, nil
}
