package deploy

import (
	"fmt"
	"io/fs"
	"strings"
)

// maxOSRelease bounds what is read of os-release, which has a few lines.
const maxOSRelease = 64 << 10

// systemName returns how the system of a tree calls itself: PRETTY_NAME, or else ID, of os-release(5).
func systemName(tree fs.FS) (string, error) {
	const first, second = "usr/lib/os-release", "etc/os-release"
	for _, name := range []string{first, second, "usr/" + second} {
		info, err := fs.Stat(tree, name)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Size() > maxOSRelease {
			return "", fmt.Errorf("/%s has %d bytes, which is not plausible", name, info.Size())
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return "", err
		}
		values := parseOSRelease(string(data))
		for _, key := range []string{"PRETTY_NAME", "ID"} {
			// A line break cannot be part of a boot entry.
			if value := strings.Join(strings.Fields(values[key]), " "); value != "" {
				return value, nil
			}
		}
		return "", fmt.Errorf("/%s has neither PRETTY_NAME nor ID", name)
	}
	return "", fmt.Errorf("/%s is missing", first)
}

// parseOSRelease reads assignments of shell words, one on a line. Lines that are none are skipped.
func parseOSRelease(text string) map[string]string {
	values := make(map[string]string)
	for line := range strings.SplitSeq(text, "\n") {
		key, word, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if value, ok := unquote(strings.TrimSpace(word)); ok {
			values[key] = value
		}
	}
	return values
}

// unquote undoes the quoting of a shell word: '…' takes everything literally, "…" lets a backslash
// protect $ ` " and itself. It reports false for an unfinished word.
func unquote(word string) (string, bool) {
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			i++
			if i == len(word) {
				return "", false
			}
			if quote == '"' && !strings.ContainsRune("$`\"\\", rune(word[i])) {
				out.WriteByte('\\')
			}
			out.WriteByte(word[i])
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), quote == 0
}
