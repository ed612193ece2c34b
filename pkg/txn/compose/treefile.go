package compose

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Treefile describes a base commit: which packages from which archives, and how the tree is
// finished. Field names are rpm-ostree's where they mean the same. After [Load] includes are
// merged, variables are substituted and file names are absolute.
type Treefile struct {
	// Ref is the branch that the commit is written to. Without it the commit is written to none.
	Ref string `yaml:"ref" json:"ref,omitempty"`
	// Releasever is the release's codename, such as "bookworm". It is the variable ${releasever} and
	// selects the sources of this machine when Repos is empty.
	Releasever string `yaml:"releasever" json:"releasever,omitempty"`
	// Basearch is the Debian architecture, by default that of the machine; the variable ${basearch}.
	Basearch string `yaml:"basearch" json:"basearch,omitempty"`
	// Metadata is for other tools; apt-ostree does not look at it.
	Metadata map[string]any `yaml:"metadata" json:"metadata,omitempty"`
	// Repos are the APT sources. Without any, those of this machine that offer Releasever are used.
	Repos []Repo `yaml:"repos" json:"repos,omitempty"`

	Include     stringList            `yaml:"include" json:"-"`
	ArchInclude map[string]stringList `yaml:"arch-include" json:"-"`
	Conditional []conditionalInclude  `yaml:"conditional-include" json:"-"`
	Variables   map[string]string     `yaml:"variables" json:"variables,omitempty"`

	// Packages are requests: NAME[:ARCH][=VERSION|/SUITE], several to a string if separated by blanks.
	Packages []string `yaml:"packages" json:"packages,omitempty"`
	// RepoPackages are requests by the suite that they are taken from; [Load] puts them into Packages.
	RepoPackages []RepoPackages `yaml:"repo-packages" json:"repo-packages,omitempty"`
	// ExcludePackages must not be installed, whatever recommends or depends on them.
	ExcludePackages []string `yaml:"exclude-packages" json:"exclude-packages,omitempty"`
	// ForeignArchitectures are added to dpkg's list before anything is unpacked.
	ForeignArchitectures []string `yaml:"foreign-architectures" json:"foreign-architectures,omitempty"`
	// Recommends also installs what packages recommend. Default false.
	Recommends bool `yaml:"recommends" json:"recommends"`
	// Documentation keeps /usr/share/{doc,man,info,…}. Default true.
	Documentation *bool `yaml:"documentation" json:"documentation,omitempty"`
	// InstallLangs are the languages whose translations are kept in /usr/share/locale; by default all are.
	InstallLangs []string `yaml:"install-langs" json:"install-langs,omitempty"`
	// Preseed are debconf-set-selections(1) lines.
	Preseed []string `yaml:"preseed" json:"preseed,omitempty"`

	// Units are systemd units to enable, DefaultTarget what default.target points to.
	Units         []string `yaml:"units" json:"units,omitempty"`
	DefaultTarget string   `yaml:"default-target" json:"default-target,omitempty"`

	// NoInitramfs leaves the initramfs out, InitramfsArgs are further arguments of
	// dracut, or of mkinitramfs in a tree with initramfs-tools instead.
	NoInitramfs   bool     `yaml:"no-initramfs" json:"no-initramfs,omitempty"`
	InitramfsArgs []string `yaml:"initramfs-args" json:"initramfs-args,omitempty"`
	// Container makes a tree without a kernel acceptable.
	Container bool `yaml:"container" json:"container,omitempty"`

	// Layers are refs of commits whose files are put over the packages; a file that is there already is an
	// error. Those of OverrideLayers come after them and replace files.
	Layers         []string `yaml:"ostree-layers" json:"ostree-layers,omitempty"`
	OverrideLayers []string `yaml:"ostree-override-layers" json:"ostree-override-layers,omitempty"`

	// AddFiles are pairs of a source file, relative to the treefile, and a path in the tree.
	AddFiles [][]string `yaml:"add-files" json:"add-files,omitempty"`
	// RemoveFromPackages are lists of a package and regular expressions: files of the package that one of
	// them matches as a whole are removed before Postprocess runs.
	RemoveFromPackages [][]string `yaml:"remove-from-packages" json:"remove-from-packages,omitempty"`
	// RemoveFiles are paths in the tree, removed at the end.
	RemoveFiles []string `yaml:"remove-files" json:"remove-files,omitempty"`
	// Postprocess are shell scripts run in the tree after the packages are configured, without network.
	Postprocess       []string `yaml:"postprocess" json:"postprocess,omitempty"`
	PostprocessScript string   `yaml:"postprocess-script" json:"postprocess-script,omitempty"`

	// PreservePasswd keeps users and groups of the previous commit with their ids. Default true.
	PreservePasswd *bool `yaml:"preserve-passwd" json:"preserve-passwd,omitempty"`
	// ReadonlyExecutables takes the permission to write from files that somebody may execute.
	ReadonlyExecutables bool `yaml:"readonly-executables" json:"readonly-executables,omitempty"`
	// MutateOSRelease is the string in VERSION and PRETTY_NAME of os-release(5) that the version of the
	// commit takes the place of; it is also added as OSTREE_VERSION.
	MutateOSRelease string `yaml:"mutate-os-release" json:"mutate-os-release,omitempty"`

	// AutomaticVersionPrefix makes the version of each commit from that of its parent; see [NextVersion].
	AutomaticVersionPrefix string `yaml:"automatic-version-prefix" json:"automatic-version-prefix,omitempty"`
	AutomaticVersionSuffix string `yaml:"automatic-version-suffix" json:"automatic-version-suffix,omitempty"`
	// AddCommitMetadata are strings, booleans and numbers for the commit's metadata.
	AddCommitMetadata map[string]any `yaml:"add-commit-metadata" json:"add-commit-metadata,omitempty"`
}

// RepoPackages are the packages to take from one suite.
type RepoPackages struct {
	Repo     string   `yaml:"repo" json:"repo"`
	Packages []string `yaml:"packages" json:"packages"`
}

// Docs says whether documentation is kept.
func (t *Treefile) Docs() bool { return t.Documentation == nil || *t.Documentation }

// JSON is the merged form, as printed by --print-only and stored in the tree.
func (t *Treefile) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("treefile: %w", err)
	}
	return append(b, '\n'), nil
}

// Repo is one APT source in a treefile: either a one-line sources.list(5) entry or a mapping with
// the fields of a deb822 stanza, in lower case.
type Repo struct {
	// Line is the one-line form; the other fields are then empty.
	Line            string     `yaml:"-" json:"-"`
	URIs            stringList `yaml:"uris" json:"uris,omitempty"`
	Suites          stringList `yaml:"suites" json:"suites,omitempty"`
	Components      stringList `yaml:"components" json:"components,omitempty"`
	Architectures   stringList `yaml:"architectures" json:"architectures,omitempty"`
	SignedBy        stringList `yaml:"signed-by" json:"signed-by,omitempty"`
	Trusted         *bool      `yaml:"trusted" json:"trusted,omitempty"`
	CheckValidUntil *bool      `yaml:"check-valid-until" json:"check-valid-until,omitempty"`
	CheckDate       *bool      `yaml:"check-date" json:"check-date,omitempty"`
}

// MarshalJSON writes the form that was read.
func (r Repo) MarshalJSON() ([]byte, error) {
	if r.Line != "" {
		return json.Marshal(r.Line)
	}
	type plain Repo
	return json.Marshal(plain(r))
}

// UnmarshalYAML accepts both forms.
func (r *Repo) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		r.Line = n.Value
		return nil
	}
	type plain Repo
	return n.Decode((*plain)(r))
}

// stringList is a string or a list of strings.
type stringList []string

// UnmarshalYAML accepts both forms.
func (l *stringList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = stringList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// language is how directories of translations are called.
var language = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]*$`)

// validate checks what the types cannot say. Paths in add-files become absolute in Load.
func (t *Treefile) validate(name string) error {
	for _, pair := range t.AddFiles {
		if len(pair) != 2 {
			return fmt.Errorf("%s: add-files: %q is not a pair [SOURCE, PATH-IN-THE-TREE]", name, pair)
		}
		if !filepath.IsAbs(pair[1]) || filepath.Clean(pair[1]) != pair[1] {
			return fmt.Errorf("%s: add-files: %q is not a clean absolute path", name, pair[1])
		}
		if pair[1] == "/var" || strings.HasPrefix(pair[1], "/var/") {
			return fmt.Errorf("%s: add-files: %s: /var belongs to the machine, not to the image; ship a tmpfiles.d file instead", name, pair[1])
		}
	}
	for _, entry := range t.RemoveFromPackages {
		if _, err := compilePatterns(entry); err != nil {
			return fmt.Errorf("%s: remove-from-packages: %w", name, err)
		}
	}
	for _, lang := range t.InstallLangs {
		if !language.MatchString(lang) {
			return fmt.Errorf("%s: install-langs: %q is not a language such as de or pt_BR", name, lang)
		}
	}
	for _, p := range t.RemoveFiles {
		if clean := filepath.Clean("/" + p); clean == "/" {
			return fmt.Errorf("%s: remove-files: %q names the whole tree", name, p)
		}
	}
	if s := t.AutomaticVersionSuffix; len(s) > 1 {
		return fmt.Errorf("%s: automatic-version-suffix: %q is not a single ASCII character", name, s)
	}
	return nil
}
