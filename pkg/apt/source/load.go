package source

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// Load reads the sources of the system at root, "/" for the running one: /etc/apt/sources.list
// first, then the files of /etc/apt/sources.list.d that end in .list or .sources, sorted by name.
// Other files there are skipped, as are names with characters that apt does not accept. Missing
// files are no error. [Source.Path] is the path within root.
func Load(root string) ([]Source, error) {
	const dir = "etc/apt/sources.list.d"
	files := []string{"etc/apt/sources.list"}
	names, err := inroot.ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if ext := path.Ext(name); (ext == ".list" || ext == ".sources") && acceptable(name) {
			files = append(files, path.Join(dir, name))
		}
	}
	var all []Source
	for _, file := range files {
		data, err := inroot.ReadFile(root, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sources, err := Parse(data, "/"+file)
		if err != nil {
			return nil, err
		}
		all = append(all, sources...)
	}
	return all, nil
}

// Parse reads a list in the format that the extension of path tells: .sources is deb822, everything
// else one-line.
func Parse(data []byte, path string) ([]Source, error) {
	if strings.HasSuffix(path, ".sources") {
		return ParseDeb822(data, path)
	}
	return ParseOneLine(data, path)
}

// acceptable tells names apart that apt reads: letters, digits, "_", "-" and ".".
func acceptable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' && c != '.' || i == 0 && c == '.' {
			return false
		}
	}
	return true
}
