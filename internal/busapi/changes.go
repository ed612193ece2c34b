package busapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

type dict = map[string]dbus.Variant

// submit asks permission for a change and makes it a transaction.
func (s *Server) submit(c *call, change txn.Change, options RunOptions) ([]any, error) {
	return s.submitWith(c, change, ChangeOptions{RunOptions: options}, nil)
}

// ChangeOptions are the options of the methods for any change.
type ChangeOptions struct {
	RunOptions
	// ApplyLive makes the new deployment live too.
	ApplyLive bool `json:"apply-live,omitempty"`
}

// submitWith is submit for what not every method takes. Files are the keys of the change whose values are descriptors.
func (s *Server) submitWith(c *call, change txn.Change, options ChangeOptions, files map[string][]dbus.UnixFDIndex) ([]any, error) {
	if options.ApplyLive && (options.Reboot || change.DownloadOnly) {
		return nil, &ArgumentError{"apply-live", "not with reboot or download-only"}
	}
	if err := nameFiles(&change, files); err != nil {
		return nil, err
	}
	if err := s.authorizeChange(c, change); err != nil {
		return nil, err
	}
	r := &request{
		method: c.member, stateroot: s.stateroot(c.names, c.path), change: change, options: options.RunOptions, title: title(change, options.RunOptions),
	}
	if options.ApplyLive {
		if err := s.authorize(c, actLive); err != nil {
			return nil, err
		}
		r.liveWant = &liveRequest{}
	}
	if err := r.takeFiles(c, files); err != nil {
		r.close()
		return nil, err
	}
	return s.begin(c, r)
}

// title says for people what a change is about.
func title(c txn.Change, options RunOptions) string {
	if options.CommandLine != "" {
		return oneLine(options.CommandLine)
	}
	set, err := dictOf(c)
	if err != nil {
		return "change"
	}
	var words []string
	for _, key := range slices.Sorted(maps.Keys(set)) {
		switch value := set[key].Value().(type) {
		case []string:
			words = append(words, key+": "+strings.Join(value, " "))
		case string:
			words = append(words, key+": "+value)
		default:
			words = append(words, key)
		}
	}
	return oneLine(strings.Join(words, "; "))
}

// maxTitle is in bytes.
const maxTitle = 256

// oneLine makes text that a caller gave fit for a line of a log or a terminal.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxTitle {
		text = strings.ToValidUTF8(text[:maxTitle], "") + "…"
	}
	return text
}

// osChange takes a change as the library has it.
func (s *Server) osChange(c *call) ([]any, error) {
	values := maps.Clone(arg[dict](c, 0))
	files := map[string][]dbus.UnixFDIndex{}
	for key, value := range values {
		if indexes, ok := value.Value().([]dbus.UnixFDIndex); ok {
			files[key] = append(files[key], indexes...)
			delete(values, key)
		} else if isFileKey(key) {
			return nil, &ArgumentError{key, typeError("ah", value.Value()).Error()}
		}
	}
	var change txn.Change
	if err := decodeDict(&change, values); err != nil {
		return nil, err
	}
	var options ChangeOptions
	if err := decodeDict(&options, arg[dict](c, 1)); err != nil {
		return nil, err
	}
	return s.submitWith(c, change, options, files)
}

// upgradeOptions are those of Upgrade.
type upgradeOptions struct {
	RunOptions
	AllowDowngrade bool `json:"allow-downgrade"`
	CacheOnly      bool `json:"cache-only"`
}

func (s *Server) osUpgrade(c *call) ([]any, error) {
	var o upgradeOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	return s.submit(c, txn.Change{Upgrade: true, AllowDowngrade: o.AllowDowngrade, CacheOnly: o.CacheOnly}, o.RunOptions)
}

// deployOptions are those of Deploy, which allows older commits unless told otherwise.
type deployOptions struct {
	RunOptions
	AllowDowngrade *bool `json:"allow-downgrade"`
	CacheOnly      bool  `json:"cache-only"`
}

func (s *Server) osDeploy(c *call) ([]any, error) {
	var o deployOptions
	if err := decodeDict(&o, arg[dict](c, 1)); err != nil {
		return nil, err
	}
	change := txn.Change{Deploy: arg[string](c, 0), AllowDowngrade: o.AllowDowngrade == nil || *o.AllowDowngrade, CacheOnly: o.CacheOnly}
	return s.submit(c, change, o.RunOptions)
}

// rebaseOptions are those of Rebase.
type rebaseOptions struct {
	deployOptions
	SkipPurge bool   `json:"skip-purge"`
	Revision  string `json:"revision"`
}

func (s *Server) osRebase(c *call) ([]any, error) {
	var o rebaseOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	change := txn.Change{
		Rebase:  &txn.Rebase{Refspec: arg[string](c, 1), Revision: o.Revision, SkipPurge: o.SkipPurge},
		Install: arg[[]string](c, 2), AllowDowngrade: o.AllowDowngrade == nil || *o.AllowDowngrade, CacheOnly: o.CacheOnly,
	}
	return s.submit(c, change, o.RunOptions)
}

func (s *Server) osRollback(c *call) ([]any, error) {
	var o RunOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	return s.submit(c, txn.Change{Rollback: true}, o)
}

// pkgChangeOptions are those of PkgChange.
type pkgChangeOptions struct {
	RunOptions
	AllowInactive         bool `json:"allow-inactive"`
	AllowInactiveRequests bool `json:"allow-inactive-requests"`
	Idempotent            bool `json:"idempotent-layering"`
	CacheOnly             bool `json:"cache-only"`
}

func (s *Server) pkgChange(c *call) ([]any, error) {
	var o pkgChangeOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	change := txn.Change{
		Install: arg[[]string](c, 1), Uninstall: arg[[]string](c, 2),
		AllowInactive: o.AllowInactive || o.AllowInactiveRequests, Idempotent: o.Idempotent, CacheOnly: o.CacheOnly,
	}
	if len(change.Install)+len(change.Uninstall) > maxItems {
		return nil, &ArgumentError{"packages", "too many"}
	}
	return s.submit(c, change, o.RunOptions)
}
