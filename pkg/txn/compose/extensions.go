package compose

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kinds of extensions.
const (
	// OSExtension packages are resolved together on top of the base, with what they depend on.
	OSExtension = "os-extension"
	// DevelopmentExtension packages are taken alone.
	DevelopmentExtension = "development"
)

// Extensions are sets of packages offered beside a base commit, fitting it.
type Extensions struct {
	// Repos are APT sources besides those of the treefile.
	Repos      []Repo               `yaml:"repos" json:"repos,omitempty"`
	Extensions map[string]Extension `yaml:"extensions" json:"extensions"`
}

// Extension is one such set.
type Extension struct {
	// Kind is OSExtension, which is the default, or DevelopmentExtension.
	Kind string `yaml:"kind" json:"kind"`
	// Packages are requests as in a treefile; the default is the name of the extension.
	Packages []string `yaml:"packages" json:"packages"`
	// Repos are further APT sources.
	Repos []Repo `yaml:"repos" json:"repos,omitempty"`
	// Architectures are those that the extension is for, by default all.
	Architectures []string `yaml:"architectures" json:"architectures,omitempty"`
	// MatchBaseEVR names a package of the base whose version the packages must have.
	MatchBaseEVR string `yaml:"match-base-evr" json:"match-base-evr,omitempty"`
}

// LoadExtensions reads a description of extensions, and drops those for other architectures. An unknown
// field is an error that names the line and the nearest field.
func LoadExtensions(path string, opts LoadOptions) (*Extensions, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("extensions: %w", err)
	}
	root, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	if err := checkExtensions(path, root); err != nil {
		return nil, err
	}
	var e Extensions
	if err := root.Decode(&e); err != nil {
		return nil, fmt.Errorf("%s: %w", path, yamlError(err))
	}
	maps.DeleteFunc(e.Extensions, func(_ string, x Extension) bool {
		return len(x.Architectures) > 0 && !slices.Contains(x.Architectures, opts.Architecture)
	})
	for name, x := range e.Extensions {
		if x.Packages = requests(x.Packages); len(x.Packages) == 0 {
			x.Packages = []string{name}
		}
		switch x.Kind {
		case "":
			x.Kind = OSExtension
		case OSExtension, DevelopmentExtension:
		default:
			return nil, fmt.Errorf("%s: extension %s: kind %q is neither %s nor %s", path, name, x.Kind, OSExtension, DevelopmentExtension)
		}
		if i := slices.IndexFunc(x.Packages, func(p string) bool { return strings.ContainsAny(p, "=/") }); i >= 0 && x.MatchBaseEVR != "" {
			return nil, fmt.Errorf("%s: extension %s: package %s names a version and match-base-evr another", path, name, x.Packages[i])
		}
		e.Extensions[name] = x
	}
	return &e, nil
}

func checkExtensions(path string, root *yaml.Node) error {
	if err := checkFields(path, root, reflect.TypeFor[Extensions]()); err != nil {
		return err
	}
	i := keyIndex(root, "extensions")
	if i < 0 || root.Content[i+1].Kind != yaml.MappingNode {
		return fmt.Errorf("%s: there is no mapping `extensions`", path)
	}
	list := root.Content[i+1].Content
	for j := 0; j+1 < len(list); j += 2 {
		if name := list[j]; name.Value == "" || name.Value != filepath.Base(name.Value) {
			return fmt.Errorf("%s:%d: %q is no name of an extension", path, name.Line, name.Value)
		}
		if list[j+1].Kind != yaml.MappingNode {
			return fmt.Errorf("%s:%d: extension %s is not a mapping of fields", path, list[j].Line, list[j].Value)
		}
		if err := checkFields(path, list[j+1], reflect.TypeFor[Extension]()); err != nil {
			return err
		}
	}
	return nil
}

// repos are the APT sources of all extensions.
func (e *Extensions) repos() []Repo {
	all := slices.Clone(e.Repos)
	for _, name := range slices.Sorted(maps.Keys(e.Extensions)) {
		all = append(all, e.Extensions[name].Repos...)
	}
	return all
}
