package apttest

import (
	"crypto/md5"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// in reports whether the indexes of a component and an architecture have a package.
func (a *Archive) in(e entry, component, arch string) bool {
	return e.component == component && (e.arch == arch || e.arch == "all" && !a.options.SeparateAll)
}

// extras returns the indexes that not every archive has, by their paths below the Release file.
func (a *Archive) extras(archs []string) map[string][]byte {
	files := make(map[string][]byte)
	add := func(name string, text []byte) {
		files[name+".gz"] = Compress(a.t, Gzip, text)
		files[name] = text
	}
	for _, component := range a.options.Components {
		if a.options.Translation {
			add(component+"/i18n/Translation-en", a.translation(component, "en"))
			for language := range a.Translations {
				add(component+"/i18n/Translation-"+language, a.translation(component, language))
			}
		}
		if !a.options.Contents {
			continue
		}
		for _, arch := range archs {
			add(component+"/Contents-"+arch, a.contents(component, arch))
		}
	}
	return files
}

// contents returns a Contents file.
func (a *Archive) contents(component, arch string) []byte {
	packages := map[string][]string{} // by path
	for _, e := range a.entries {
		if a.in(e, component, arch) {
			for _, f := range e.files {
				packages[f] = append(packages[f], field(e.stanza, "Section")+"/"+field("\n"+e.stanza, "Package"))
			}
		}
	}
	var b strings.Builder
	for _, f := range slices.Sorted(maps.Keys(packages)) {
		fmt.Fprintf(&b, "%-55s %s\n", f, strings.Join(packages[f], ","))
	}
	return []byte(b.String())
}

// description returns the value of the field, its lines as they are.
func description(stanza string) string {
	_, rest, _ := strings.Cut(stanza, "\nDescription: ")
	value := ""
	for line := range strings.Lines(rest) {
		if value != "" && !strings.HasPrefix(line, " ") {
			break
		}
		value += line
	}
	return strings.TrimSuffix(value, "\n") + "\n"
}

// indexed returns a paragraph as the index has it.
func (a *Archive) indexed(stanza string) string {
	if !a.options.Translation || !strings.Contains(stanza, "\nDescription: ") {
		return stanza
	}
	whole := description(stanza)
	summary, _, _ := strings.Cut(whole, "\n")
	return strings.Replace(strings.TrimSuffix(stanza, "\n")+"\n", "\nDescription: "+whole,
		fmt.Sprintf("\nDescription: %s\nDescription-md5: %x\n", summary, md5.Sum([]byte(whole))), 1)
}

// translation returns the file of descriptions in a language.
func (a *Archive) translation(component, language string) []byte {
	var b strings.Builder
	for _, e := range a.entries {
		name, whole := field("\n"+e.stanza, "Package"), description(e.stanza)
		text := strings.TrimSuffix(whole, "\n")
		if language != "en" {
			text = a.Translations[language][name]
		}
		if e.component == component && text != "" {
			fmt.Fprintf(&b, "Package: %s\nDescription-md5: %x\nDescription-%s: %s\n\n", name, md5.Sum([]byte(whole)), language, text)
		}
	}
	return []byte(b.String())
}
