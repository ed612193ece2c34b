package cli

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// maxChangelog bounds what is read of one changelog, in bytes.
const maxChangelog = 8 << 20

// changelogHeader begins an entry (deb-changelog(5)).
var changelogHeader = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]* \(([^ )]+)\)`)

// changelog gives the lines of a package's changelog, as a tree has it, that are newer than a version;
// none if the tree has no changelog of it.
func changelog(tree fs.FS, c dpkg.Change) ([]string, error) {
	for _, name := range []string{"changelog.Debian.gz", "changelog.Debian." + c.To.Architecture + ".gz", "changelog.gz"} {
		f, err := tree.Open(path.Join("usr/share/doc", c.To.Name, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines, err := newerEntries(f, c.From.Version)
		return lines, errors.Join(err, f.Close())
	}
	return nil, nil
}

func newerEntries(compressed io.Reader, than version.Version) ([]string, error) {
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(io.LimitReader(plain, maxChangelog))
	lines.Buffer(nil, 1<<20)
	var out []string
	for lines.Scan() {
		if header := changelogHeader.FindStringSubmatch(lines.Text()); header != nil {
			v, err := version.Parse(header[1])
			if err != nil || version.Compare(v, than) <= 0 {
				break
			}
		}
		if lines.Text() != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, lines.Text())
		}
	}
	for len(out) > 0 && strings.TrimSpace(out[len(out)-1]) == "" {
		out = out[:len(out)-1]
	}
	return out, lines.Err()
}

// printChangelogs prints, below each package that is newer, what is new in it.
func (a *app) printChangelogs(tree fs.FS, d dpkg.Changes) error {
	for _, c := range d.Upgraded {
		lines, err := changelog(tree, c)
		if err != nil {
			return err
		}
		a.printf("\n%s %s -> %s\n", c.To.Name, c.From.Version, c.To.Version)
		if len(lines) == 0 {
			a.printf("    the commit has no changelog of it\n")
		}
		for _, line := range lines {
			a.printf("%s\n", strings.TrimRight("    "+line, " "))
		}
	}
	return nil
}
