package compose

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/apt-ostree/apt-ostree/internal/nearest"
)

// maxTreefile and maxIncludes bound what a treefile may cost to read.
const (
	maxTreefile = 4 << 20
	maxIncludes = 50
)

//go:embed debian.yaml
var embedded []byte

// Embedded is the treefile used when none is named: a minimal bootable Debian 12.
func Embedded(opts LoadOptions) (*Treefile, error) {
	return load("(embedded treefile)", embedded, opts)
}

// EmbeddedText is the text of the embedded treefile, to start an own one from.
func EmbeddedText() string { return string(embedded) }

// LoadOptions are the facts that a treefile is read under.
type LoadOptions struct {
	// Architecture is the Debian architecture for arch-include, packages-ARCH and ${basearch}.
	Architecture string
	// Releasever is the release of a treefile that names none.
	Releasever string
}

// Load reads a treefile in YAML (or JSON, which is YAML), merges its includes, substitutes
// variables and checks it. An unknown field is an error that names the line and the nearest
// field. In merging, the including file wins: its scalars replace, its lists come after those
// of the included file, and its mappings override key by key.
func Load(path string, opts LoadOptions) (*Treefile, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("treefile: %w", err)
	}
	return load(path, data, opts)
}

func load(name string, data []byte, opts LoadOptions) (*Treefile, error) {
	l := loader{opts: opts, seen: map[string]bool{}, vars: map[string]string{}}
	merged, err := l.file(name, data)
	if err != nil {
		return nil, err
	}
	var t Treefile
	if err := merged.Decode(&t); err != nil {
		return nil, fmt.Errorf("%s: %w", name, yamlError(err))
	}
	if t.Basearch == "" {
		t.Basearch = opts.Architecture
	}
	if t.Releasever == "" {
		t.Releasever = opts.Releasever
	}
	if err := t.addRepoPackages(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.Packages = requests(t.Packages)
	t.ExcludePackages = requests(t.ExcludePackages)
	if err := t.substitute(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &t, t.validate(name)
}

// requests splits strings at blanks, sorts and removes duplicates: order never matters.
func requests(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, strings.Fields(s)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// addRepoPackages turns repo-packages into requests.
func (t *Treefile) addRepoPackages() error {
	for _, entry := range t.RepoPackages {
		if entry.Repo == "" {
			return errors.New("repo-packages: an entry has no `repo`, the suite to take its packages from")
		}
		for _, p := range requests(entry.Packages) {
			if strings.ContainsAny(p, "=/") {
				return fmt.Errorf("repo-packages: %s: package %s names a version or suite itself", entry.Repo, p)
			}
			t.Packages = append(t.Packages, p+"/"+entry.Repo)
		}
	}
	t.RepoPackages = nil
	return nil
}

type loader struct {
	opts  LoadOptions
	seen  map[string]bool
	count int
	vars  map[string]string // for conditions
}

// file parses one file and merges what it includes below it.
func (l *loader) file(name string, data []byte) (*yaml.Node, error) {
	if l.count++; l.count > maxIncludes {
		return nil, fmt.Errorf("%s: more than %d included treefiles", name, maxIncludes)
	}
	root, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	return l.root(name, root)
}

// root merges what a treefile includes below it.
func (l *loader) root(name string, root *yaml.Node) (*yaml.Node, error) {
	l.foldArchPackages(root)
	if err := checkFields(name, root, reflect.TypeFor[Treefile]()); err != nil {
		return nil, err
	}
	if err := absolutePaths(name, root); err != nil {
		return nil, err
	}
	var includes struct {
		Include     stringList            `yaml:"include"`
		ArchInclude map[string]stringList `yaml:"arch-include"`
		Conditional []conditionalInclude  `yaml:"conditional-include"`
	}
	if err := root.Decode(&includes); err != nil {
		return nil, fmt.Errorf("%s: %w", name, yamlError(err))
	}
	if err := l.learn(root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	dropKeys(root, "include", "arch-include", "conditional-include")
	merged := &yaml.Node{Kind: yaml.MappingNode}
	for _, inc := range append(includes.Include, includes.ArchInclude[l.opts.Architecture]...) {
		node, err := l.include(name, inc)
		if err != nil {
			return nil, err
		}
		mergeInto(merged, node)
	}
	if err := l.conditionalIncludes(name, merged, includes.Conditional); err != nil {
		return nil, err
	}
	mergeInto(merged, root)
	return merged, nil
}

func (l *loader) include(from, inc string) (*yaml.Node, error) {
	path := inc
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), path)
	}
	path = filepath.Clean(path)
	if l.seen[path] {
		return nil, fmt.Errorf("%s: include: %s is included twice", from, inc)
	}
	l.seen[path] = true
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("%s: include: %w", from, err)
	}
	return l.file(path, data)
}

// foldArchPackages moves packages-ARCH into packages, or drops it for another architecture.
func (l *loader) foldArchPackages(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		arch, ok := strings.CutPrefix(root.Content[i].Value, "packages-")
		if !ok || root.Content[i+1].Kind != yaml.SequenceNode {
			continue
		}
		value := root.Content[i+1]
		root.Content = slices.Delete(root.Content, i, i+2)
		if arch == l.opts.Architecture {
			mergeInto(root, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Tag: "!!str", Value: "packages"}, value,
			}})
		}
		i -= 2
	}
}

func parse(name string, data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the treefile is empty", name)
		}
		return nil, fmt.Errorf("%s: %w", name, yamlError(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", name)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: a treefile is a mapping of fields", name, root.Line)
	}
	return root, nil
}

// checkFields refuses keys that the struct does not have, and keys that stand twice.
func checkFields(name string, n *yaml.Node, typ reflect.Type) error {
	known := map[string]reflect.Type{}
	for field := range typ.Fields() {
		if tag := field.Tag.Get("yaml"); tag != "-" {
			known[tag] = field.Type
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := known[key.Value]
		if !ok {
			return unknownField(name, key, known)
		}
		if line, dup := seen[key.Value]; dup {
			return fmt.Errorf("%s:%d: field %q stands on line %d already", name, key.Line, key.Value, line)
		}
		seen[key.Value] = key.Line
		if field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct {
			for _, item := range value.Content {
				if item.Kind != yaml.MappingNode {
					continue
				}
				if err := checkFields(name, item, field.Elem()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func unknownField(name string, key *yaml.Node, known map[string]reflect.Type) error {
	fields := make([]string, 0, len(known))
	for f := range known {
		fields = append(fields, f)
	}
	msg := fmt.Sprintf("%s:%d: unknown field %q", name, key.Line, key.Value)
	if why := elsewhere(key.Value); why != "" {
		return fmt.Errorf("%s of rpm-ostree: %s", msg, why)
	}
	if near := nearest.Strings(key.Value, fields, 1); len(near) > 0 {
		msg += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return errors.New(msg)
}

// absolutePaths resolves file names relative to the file that has them, before files are merged.
func absolutePaths(name string, root *yaml.Node) error {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	abs := func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Value != "" && !filepath.IsAbs(n.Value) {
			n.Value = filepath.Join(dir, n.Value)
		}
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch value := root.Content[i+1]; root.Content[i].Value {
		case "postprocess-script":
			abs(value)
		case "add-files":
			for _, pair := range value.Content {
				if pair.Kind == yaml.SequenceNode && len(pair.Content) > 0 {
					abs(pair.Content[0])
				}
			}
		}
	}
	return nil
}

// mergeInto merges the mapping src into dst, where src wins.
func mergeInto(dst, src *yaml.Node) {
	for i := 0; i+1 < len(src.Content); i += 2 {
		key, value := src.Content[i], src.Content[i+1]
		j := keyIndex(dst, key.Value)
		switch {
		case j < 0:
			dst.Content = append(dst.Content, key, value)
		case value.Kind == yaml.SequenceNode && dst.Content[j+1].Kind == yaml.SequenceNode:
			list := *dst.Content[j+1]
			list.Content = slices.Concat(list.Content, value.Content)
			dst.Content[j+1] = &list
		case value.Kind == yaml.MappingNode && dst.Content[j+1].Kind == yaml.MappingNode:
			mergeInto(dst.Content[j+1], value)
		default:
			dst.Content[j+1] = value
		}
	}
}

func keyIndex(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func dropKeys(n *yaml.Node, keys ...string) {
	for _, key := range keys {
		if i := keyIndex(n, key); i >= 0 {
			n.Content = slices.Delete(n.Content, i, i+2)
		}
	}
}

// yamlError strips the library's name, which says nothing to a user.
func yamlError(err error) error {
	return errors.New(strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTreefile+1))
	if err == nil && len(data) > maxTreefile {
		err = fmt.Errorf("%s: larger than %d bytes", path, maxTreefile)
	}
	return data, err
}
