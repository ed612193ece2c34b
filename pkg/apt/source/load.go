package source

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// Load reads the sources of the system at root, "/" for the running one: /etc/apt/sources.list
// first, then the files of /etc/apt/sources.list.d that end in .list or .sources, sorted by name.
// Other files there are skipped, as are names with characters that apt does not accept. Missing
// files are no error. [Source.Path] is the path within root.
func Load(root string) ([]Source, error) {
	parts, err := inroot.Parts(root, "etc/apt/sources.list.d", ".list", ".sources")
	if err != nil {
		return nil, err
	}
	var all []Source
	for _, file := range append([]string{"etc/apt/sources.list"}, parts...) {
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
