package compose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// localePath has the translations, localeConfig keeps dpkg from unpacking more of them, now and in later
// changes.
const (
	localePath   = "usr/share/locale"
	localeConfig = "etc/dpkg/dpkg.cfg.d/apt-ostree-langs"
)

// adjust changes what packages have brought, as the treefile says.
func (t *Treefile) adjust(root *os.Root, version string) error {
	if err := t.dropLocales(root); err != nil {
		return fmt.Errorf("treefile: install-langs: %w", err)
	}
	if err := t.removeFromPackages(root); err != nil {
		return fmt.Errorf("treefile: remove-from-packages: %w", err)
	}
	if err := t.mutateRelease(root, version); err != nil {
		return fmt.Errorf("treefile: mutate-os-release: %w", err)
	}
	return nil
}

// locales are the directories of translations to keep: of de_DE.UTF-8 also de_DE and de.
func (t *Treefile) locales() []string {
	var keep []string
	for _, lang := range t.InstallLangs {
		for lang != "" {
			keep = append(keep, lang)
			lang = lang[:max(strings.LastIndexAny(lang, "_.@"), 0)]
		}
	}
	slices.Sort(keep)
	return slices.Compact(keep)
}

// localeOptions are the options of dpkg, "" if all translations are wanted.
func (t *Treefile) localeOptions() string {
	if len(t.InstallLangs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("path-exclude=/" + localePath + "/*\npath-include=/" + localePath + "/locale.alias\n")
	for _, lang := range t.locales() {
		b.WriteString("path-include=/" + localePath + "/" + lang + "/*\n")
	}
	return b.String()
}

// dropLocales removes what was there before dpkg was told.
func (t *Treefile) dropLocales(root *os.Root) error {
	if len(t.InstallLangs) == 0 {
		return nil
	}
	entries, err := fs.ReadDir(root.FS(), localePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	keep := t.locales()
	for _, e := range entries {
		if !e.IsDir() || slices.Contains(keep, e.Name()) {
			continue
		}
		if err := root.RemoveAll(localePath + "/" + e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// removeFromPackages removes files of packages that match a pattern, unless another package has them too.
func (t *Treefile) removeFromPackages(root *os.Root) error {
	for _, entry := range t.RemoveFromPackages {
		patterns, err := compilePatterns(entry)
		if err != nil {
			return err
		}
		files, err := onlyOf(root, entry[0])
		if err != nil {
			return err
		}
		for _, name := range files {
			if !slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) }) {
				continue
			}
			if err := removeFile(root, name[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

func compilePatterns(entry []string) ([]*regexp.Regexp, error) {
	if len(entry) < 2 {
		return nil, fmt.Errorf("%q is not a package with patterns", entry)
	}
	var patterns []*regexp.Regexp
	for _, text := range entry[1:] {
		p, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", entry[0], err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// onlyOf lists the paths that a package has and no other one.
func onlyOf(root *os.Root, pkg string) ([]string, error) {
	const info = "var/lib/dpkg/info"
	lists, err := fs.Glob(root.FS(), info+"/*.list")
	if err != nil {
		return nil, err
	}
	owners, found := map[string]int{}, false
	var mine []string
	for _, list := range lists {
		text, err := root.ReadFile(list)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(list), ".list"), ":")
		for file := range strings.Lines(string(text)) {
			file = strings.TrimSuffix(file, "\n")
			owners[file]++
			if name == pkg {
				mine = append(mine, file)
			}
		}
		found = found || name == pkg
	}
	if !found {
		return nil, fmt.Errorf("package %s is not installed", pkg)
	}
	return slices.DeleteFunc(mine, func(file string) bool { return owners[file] > 1 || !path.IsAbs(file) || file == "/." }), nil
}

// removeFile removes a file or link; directories stay.
func removeFile(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return root.Remove(name)
}

// mutateRelease puts the version of the commit into os-release(5) in place of a string.
func (t *Treefile) mutateRelease(root *os.Root, version string) error {
	if t.MutateOSRelease == "" || version == "" {
		return nil
	}
	const name = "usr/lib/os-release"
	text, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(line, "=")
		switch key {
		case "VERSION", "PRETTY_NAME":
			line = strings.ReplaceAll(line, t.MutateOSRelease, version)
		case "OSTREE_VERSION":
			continue
		}
		b.WriteString(line)
	}
	if !strings.HasSuffix(b.String(), "\n") {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "OSTREE_VERSION='%s'\n", version)
	return put(root, name, []byte(b.String()), 0o644)
}
