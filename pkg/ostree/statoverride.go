package ostree

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// StatOverrides change the modes of files by their path, see [AddOptions]. They
// may be used by several goroutines once they are complete. A nil pointer is a
// list of none.
type StatOverrides struct {
	added map[string]uint32
	set   map[string]uint32

	mu   sync.Mutex
	used map[string]bool // paths of added
}

// ParseStatOverrides reads the file of ostree commit --statoverride. A line is a
// mode, a space and an absolute path. "=MODE" replaces the permission bits, MODE
// or "+MODE" adds bits. The mode is a decimal number, also with leading zeros;
// "0x" makes it hexadecimal.
func ParseStatOverrides(r io.Reader) (*StatOverrides, error) {
	s := &StatOverrides{}
	err := eachLine(r, func(line string) error {
		mode, path, ok := strings.Cut(line, " ")
		if !ok {
			return &OverrideSyntaxError{Line: line}
		}
		set := strings.HasPrefix(mode, "=")
		bits, err := parseOverrideMode(strings.TrimPrefix(mode, "="))
		switch {
		case err != nil:
			return fmt.Errorf("mode of %s: %w", path, err)
		case set:
			s.Set(path, bits)
		default:
			s.Add(path, bits)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("stat overrides: %w", err)
	}
	return s, nil
}

// An OverrideSyntaxError is a line of a list of stat overrides without a path.
type OverrideSyntaxError struct{ Line string }

// Error implements error.
func (e *OverrideSyntaxError) Error() string {
	return fmt.Sprintf("line %q is not a mode, a space and a path", e.Line)
}

// parseOverrideMode reads a number like strtod does, since that is what libostree
// calls: what looks octal is decimal.
func parseOverrideMode(text string) (uint32, error) {
	var n float64
	hex, isHex := strings.CutPrefix(strings.ToLower(strings.TrimPrefix(text, "+")), "0x")
	if isHex {
		i, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number", text)
		}
		n = float64(i)
	} else {
		var err error
		if n, err = strconv.ParseFloat(text, 64); err != nil {
			return 0, fmt.Errorf("%q is not a decimal number", text)
		}
	}
	if n < 0 || n > 0o7777 || math.IsNaN(n) {
		return 0, fmt.Errorf("%s is not a mode; those are from 0 to %d", text, 0o7777)
	}
	return uint32(n), nil
}

// Add makes an entry have more mode bits, such as unix.S_ISUID.
func (s *StatOverrides) Add(path string, bits uint32) {
	if s.added == nil {
		s.added, s.used = make(map[string]uint32), make(map[string]bool)
	}
	s.added[path] = bits
}

// Set replaces the permission bits of an entry, unless bits are added to it.
func (s *StatOverrides) Set(path string, mode uint32) {
	if s.set == nil {
		s.set = make(map[string]uint32)
	}
	s.set[path] = mode
}

// Unmatched returns, sorted, the paths given to [StatOverrides.Add] that no
// entry had so far. Those of [StatOverrides.Set] may lack an entry.
func (s *StatOverrides) Unmatched() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return unused(s.added, s.used)
}

func (s *StatOverrides) apply(path string, fi *FileInfo) {
	if s == nil {
		return
	}
	if bits, ok := s.added[path]; ok {
		s.mu.Lock()
		s.used[path] = true
		s.mu.Unlock()
		fi.Mode |= bits
	} else if mode, ok := s.set[path]; ok {
		fi.Mode = fi.Mode&unix.S_IFMT | mode
	}
}

// unused returns, sorted, the keys of a map that another lacks.
func unused[V any](all map[string]V, used map[string]bool) []string {
	var list []string
	for path := range all {
		if !used[path] {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

// eachLine calls fn for each line that is not empty.
func eachLine(r io.Reader, fn func(string) error) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		if err := fn(lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}
