package deploy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

// entrySettings are what group [sysroot] of the repository configuration says about boot entries,
// see ostree.repo-config(5).
type entrySettings struct {
	// prefix is put before paths in /boot: "/", or "/boot/" when bootprefix is true.
	prefix string
	// tries is the initial boot counter (boot-counting-tries), 0 for none.
	tries int
	// extra are keys and values of all entries but the default (bls-append-except-default).
	extra [][2]string
}

// maxTries is the largest boot counter that libostree accepts.
const maxTries = 5

func (s *Sysroot) entrySettings() (entrySettings, error) {
	settings := entrySettings{prefix: "/"}
	get := func(key string) string {
		value, _ := s.repo.ConfigValue("sysroot", key)
		return value
	}
	switch value := get("bootprefix"); value {
	case "true", "1":
		settings.prefix = "/boot/"
	case "", "false", "0":
	default:
		return settings, fmt.Errorf("sysroot.bootprefix of the repository is %q: want true or false", value)
	}
	if value := get("boot-counting-tries"); value != "" {
		var err error
		settings.tries, err = strconv.Atoi(value)
		if err != nil || settings.tries < 0 || settings.tries > maxTries {
			return settings, fmt.Errorf("sysroot.boot-counting-tries of the repository is %q: want 0 to %d", value, maxTries)
		}
	}
	for item := range strings.SplitSeq(get("bls-append-except-default"), ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		if ok {
			settings.extra = append(settings.extra, [2]string{key, value})
		}
	}
	return settings, nil
}

// appendExtra adds the extra keys to an entry, or takes them away from the default.
func (settings entrySettings) appendExtra(e *bootentry.Entry, isDefault bool) {
	for _, kv := range settings.extra {
		switch {
		case !isDefault:
			e.Set(kv[0], kv[1])
		case e.Get(kv[0]) == kv[1]:
			e.Delete(kv[0])
		}
	}
}
