package layout_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// memory is a Store in memory. Equal files have equal checksums, as in a repository.
type memory struct {
	mu    sync.Mutex
	files map[ostree.Checksum]memoryFile
}

type memoryFile struct {
	info ostree.FileInfo
	data []byte
}

func newMemory() *memory { return &memory{files: map[ostree.Checksum]memoryFile{}} }

func (m *memory) WriteFile(_ context.Context, info ostree.FileInfo, r io.Reader) (ostree.Checksum, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return ostree.Checksum{}, err
	}
	if info.Target == "" {
		info.Size = int64(len(data))
	}
	c := ostree.Checksum(sha256.Sum256(fmt.Appendf(nil, "%+v\n%s", info, data)))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[c] = memoryFile{info, data}
	return c, nil
}

func (m *memory) FileInfo(_ context.Context, c ostree.Checksum) (ostree.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	file, ok := m.files[c]
	if !ok {
		return ostree.FileInfo{}, fs.ErrNotExist
	}
	return file.info, nil
}

func (m *memory) OpenFile(ctx context.Context, c ostree.Checksum) (ostree.FileInfo, io.ReadCloser, error) {
	info, err := m.FileInfo(ctx, c)
	if err != nil {
		return info, nil, err
	}
	return info, io.NopCloser(bytes.NewReader(m.files[c].data)), nil
}

// The text form of a tree, one entry per line, the content of a file indented below it:
//
//	d 0700 0:0 /root
//	l /bin -> usr/bin
//	f 0644 0:0 /etc/hostname
//		box
//
// Directories of root with mode 0755 are listed only if they are empty.

const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
	noEOL    = "\t\\ no line break at the end"
)

// parseTree makes a tree of its text form.
func parseTree(t *testing.T, s *memory, text string) *ostree.Tree {
	t.Helper()
	tree := ostree.NewTree(ostree.DirMeta{Mode: typeDir | 0o755})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for len(lines) > 0 {
		header := lines[0]
		n := 1
		for n < len(lines) && strings.HasPrefix(lines[n], "\t") {
			n++
		}
		addEntry(t, s, tree, header, lines[1:n])
		lines = lines[n:]
	}
	return tree
}

func addEntry(t *testing.T, s *memory, tree *ostree.Tree, header string, content []string) {
	t.Helper()
	if strings.TrimSpace(header) == "" || strings.HasPrefix(header, "#") {
		return
	}
	var info ostree.FileInfo
	var name string
	if rest, ok := strings.CutPrefix(header, "l /"); ok {
		name, info.Target, ok = strings.Cut(rest, " -> ")
		require.True(t, ok, header)
		info.Mode = typeLink | 0o777
	} else {
		var kind string
		n, err := fmt.Sscanf(header, "%s %o %d:%d /%s", &kind, &info.Mode, &info.UID, &info.GID, &name)
		require.NoError(t, err, "%s (%d)", header, n)
		_, name, _ = strings.Cut(header, " /")
		if kind == "d" {
			meta := ostree.DirMeta{UID: info.UID, GID: info.GID, Mode: typeDir | info.Mode}
			require.NoError(t, tree.MkdirAll(name, ostree.DirMeta{Mode: typeDir | 0o755}))
			require.NoError(t, tree.SetMeta(name, meta))
			return
		}
		info.Mode |= typeFile
	}
	data := fileContent(content)
	info.Size = int64(len(data))
	c, err := s.WriteFile(t.Context(), info, bytes.NewReader(data))
	require.NoError(t, err)
	if dir := path.Dir(name); dir != "." {
		require.NoError(t, tree.MkdirAll(dir, ostree.DirMeta{Mode: typeDir | 0o755}))
	}
	require.NoError(t, tree.SetFile(name, c))
}

func fileContent(lines []string) []byte {
	var b bytes.Buffer
	for _, line := range lines {
		if line == noEOL {
			b.Truncate(b.Len() - 1)
			break
		}
		b.WriteString(line[1:] + "\n")
	}
	return b.Bytes()
}

// formatTree is the reverse of parseTree, sorted by path.
func formatTree(t *testing.T, s *memory, tree *ostree.Tree) string {
	t.Helper()
	var blocks []block
	require.NoError(t, formatDir(t, s, tree, "", &blocks))
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Compare(a.name, b.name) })
	var out strings.Builder
	for _, b := range blocks {
		out.WriteString(b.text)
	}
	return out.String()
}

type block struct{ name, text string }

func formatDir(t *testing.T, s *memory, tree *ostree.Tree, dir string, blocks *[]block) error {
	t.Helper()
	list, err := tree.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return err
	}
	for _, e := range list {
		name := path.Join(dir, e.Name)
		if !e.Dir {
			*blocks = append(*blocks, block{name, formatFile(t, s, name, e.File)})
			continue
		}
		before := len(*blocks)
		if err := formatDir(t, s, tree, name, blocks); err != nil {
			return err
		}
		m := e.Meta
		if m.Mode != typeDir|0o755 || m.UID != 0 || m.GID != 0 || len(*blocks) == before {
			*blocks = append(*blocks, block{name, fmt.Sprintf("d %04o %d:%d /%s\n", m.Mode&0o7777, m.UID, m.GID, name)})
		}
	}
	return nil
}

func formatFile(t *testing.T, s *memory, name string, c ostree.Checksum) string {
	t.Helper()
	info, r, err := s.OpenFile(t.Context(), c)
	require.NoError(t, err)
	if info.Mode == typeLink|0o777 {
		return fmt.Sprintf("l /%s -> %s\n", name, info.Target)
	}
	data, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	out := fmt.Sprintf("f %04o %d:%d /%s\n", info.Mode&0o7777, info.UID, info.GID, name)
	if len(data) > 1<<20 || bytes.IndexByte(data, 0) >= 0 {
		return out + fmt.Sprintf("\t\\ %d bytes, sha256 %x\n", len(data), sha256.Sum256(data))
	}
	var b strings.Builder
	b.WriteString(out)
	for line := range strings.Lines(string(data)) {
		b.WriteString("\t" + strings.TrimSuffix(line, "\n") + "\n")
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		b.WriteString(noEOL + "\n")
	}
	return b.String()
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
