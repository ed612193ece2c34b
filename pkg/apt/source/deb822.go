package source

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// ParseDeb822 reads a .sources file. path is for messages and [Source.Path]. Disabled entries are
// among the result.
func ParseDeb822(data []byte, path string) ([]Source, error) {
	scanner := deb822.NewScanner(string(data), deb822.Options{Comments: true})
	var sources []Source
	for scanner.Next() {
		p := scanner.Paragraph()
		if err := p.CheckUnique(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s, err := parseParagraph(p, path)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sources, nil
}

func parseParagraph(p deb822.Paragraph, path string) (Source, error) {
	s := Source{Path: path, Line: p.Line("")}
	for f := range p.All() {
		known, err := setField(&s, f)
		if err != nil {
			return Source{}, fmt.Errorf("%s:%d: field %s: %w", path, f.Line, f.Name, err)
		}
		if !known && !strings.HasPrefix(strings.ToLower(f.Name), "x-") {
			s.Unknown = append(s.Unknown, f.Name)
		}
	}
	// What is switched off may be unfinished.
	if s.Disabled {
		return s, nil
	}
	if len(s.Types) == 0 {
		return Source{}, fmt.Errorf("%s:%d: entry has no field Types", path, s.Line)
	}
	if err := s.Check(); err != nil {
		return Source{}, fmt.Errorf("%s:%d: %w", path, s.Line, err)
	}
	return s, nil
}

func setField(s *Source, f deb822.Field) (bool, error) {
	switch name := strings.ToLower(f.Name); name {
	case "signed-by":
		if strings.Contains(f.Value, "-----BEGIN PGP PUBLIC KEY BLOCK-----") {
			s.SignedBy = SignedBy{Key: strings.Trim(deb822.Unfold(f.Value), "\n") + "\n"}
			return true, nil
		}
		return setOption(s, name, splitList(f.Value))
	case "uris", "suites", "components":
		return setOption(s, name, strings.Fields(f.Value))
	default:
		return setOption(s, name, splitList(f.Value))
	}
}
