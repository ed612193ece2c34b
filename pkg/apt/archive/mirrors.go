package archive

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Mirror is an entry of a mirror list, see apt-transport-mirror(1).
type Mirror struct {
	URI string // with a slash at the end
	// Priority says when it is tried: the lowest first, those without one last.
	Priority int
	// limits are the values of what it has, by key; it is not asked for anything else.
	limits map[string][]string
}

// MirrorList returns the address of the list that a URI of a source stands for, such as
// mirror+file:/etc/apt/mirrors.txt. It returns false for other URIs.
func MirrorList(uri string) (list string, ok bool) {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch name, found := strings.CutPrefix(scheme, "mirror+"); {
	case found:
		return name + ":" + strings.TrimSuffix(rest, "/"), true
	case scheme == "mirror":
		return "http:" + strings.TrimSuffix(rest, "/"), true
	default:
		return "", false
	}
}

// Mirrors fetches a mirror list.
func (f *Fetcher) Mirrors(ctx context.Context, list string) ([]Mirror, error) {
	document, err := f.Get(ctx, list, nil)
	if err != nil {
		return nil, fmt.Errorf("mirror list: %w", err)
	}
	text := document.Data
	if ext := path.Ext(list); slices.Contains([]string{".gz", ".xz", ".zst", ".bz2"}, ext) {
		unpacked, err := decompress(bytes.NewReader(text), ext)
		if err == nil {
			text, err = readDocument(unpacked, list)
		}
		if err != nil {
			return nil, fmt.Errorf("mirror list %s: %w", redact(list), err)
		}
	}
	mirrors, err := ParseMirrors(text, !strings.HasPrefix(list, "http"))
	if err != nil {
		return nil, fmt.Errorf("mirror list %s: %w", redact(list), err)
	}
	return mirrors, nil
}

// ParseMirrors reads a mirror list: one URI per line, and after a tab what is known of it. A list that is
// not local must not name local files. Mirrors that are tried at the same time are in random order.
func ParseMirrors(text []byte, local bool) ([]Mirror, error) {
	var mirrors []Mirror
	for number, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m, err := parseMirror(line, local)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		mirrors = append(mirrors, m)
	}
	if len(mirrors) == 0 {
		return nil, errors.New("it names no mirror")
	}
	rand.Shuffle(len(mirrors), func(i, j int) { mirrors[i], mirrors[j] = mirrors[j], mirrors[i] })
	slices.SortStableFunc(mirrors, func(a, b Mirror) int { return cmp.Compare(a.Priority, b.Priority) })
	return mirrors, nil
}

func parseMirror(line string, local bool) (Mirror, error) {
	uri, rest, _ := strings.Cut(line, "\t")
	m := Mirror{URI: strings.TrimRight(strings.TrimSpace(uri), "/") + "/", Priority: math.MaxInt, limits: map[string][]string{}}
	u, err := url.Parse(m.URI)
	if err != nil {
		return m, err
	}
	switch u.Scheme {
	case "http", "https":
	case "file", "copy":
		if !local {
			return m, fmt.Errorf("%s is local, and only a local list may name such mirrors", m.URI)
		}
	default:
		return m, fmt.Errorf("%q is no URI with http, https, file or copy", uri)
	}
	for item := range strings.FieldsSeq(rest) {
		key, value, found := strings.Cut(item, ":")
		if !found {
			return m, fmt.Errorf("%q is not of the form key:value", item)
		}
		if key != "priority" {
			m.limits[key] = append(m.limits[key], value)
			continue
		}
		if m.Priority, err = strconv.Atoi(value); err != nil {
			return m, fmt.Errorf("priority %q is no number", value)
		}
	}
	return m, nil
}

// Has reports whether a mirror may be asked for what a key, such as "arch" or "component", says; "" says
// nothing.
func (m Mirror) Has(key, value string) bool {
	limit := m.limits[key]
	return value == "" || len(limit) == 0 || slices.Contains(limit, value)
}
