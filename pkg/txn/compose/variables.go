package compose

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// substitute replaces ${name} in the fields that name things outside the tree. Scripts are left
// alone: there ${name} is the shell's.
func (t *Treefile) substitute() error {
	vars := map[string]string{"releasever": t.Releasever, "basearch": t.Basearch}
	for name, value := range t.Variables {
		if _, reserved := vars[name]; reserved {
			return fmt.Errorf("variables: %q is set by the field of that name", name)
		}
		vars[name] = value
	}
	var err error
	expand := func(s string) string {
		return variable.ReplaceAllStringFunc(s, func(m string) string {
			name := m[2 : len(m)-1]
			value, ok := vars[name]
			if !ok && err == nil {
				err = fmt.Errorf("unknown variable ${%s}; known: %s", name, strings.Join(slices.Sorted(maps.Keys(vars)), ", "))
			}
			return value
		})
	}
	t.Ref = expand(t.Ref)
	t.AutomaticVersionPrefix = expand(t.AutomaticVersionPrefix)
	t.MutateOSRelease = expand(t.MutateOSRelease)
	for i := range t.Packages {
		t.Packages[i] = expand(t.Packages[i])
	}
	for i := range t.Repos {
		expandStrings(reflect.ValueOf(&t.Repos[i]).Elem(), expand)
	}
	for key, value := range t.AddCommitMetadata {
		if s, ok := value.(string); ok {
			t.AddCommitMetadata[key] = expand(s)
		}
	}
	return err
}

// expandStrings expands every string and string list of a struct.
func expandStrings(v reflect.Value, expand func(string) string) {
	for _, f := range v.Fields() {
		switch f.Kind() {
		case reflect.String:
			f.SetString(expand(f.String()))
		case reflect.Slice:
			for j := range f.Len() {
				f.Index(j).SetString(expand(f.Index(j).String()))
			}
		}
	}
}
