package deb_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

// item is a raw tar entry: whatever a test wants, valid or not.
type item struct {
	name, link  string
	typ         byte
	mode        int64
	uid, gid    int64
	user, group string
	data        string
	size        string // instead of the octal length of data
	magic       string // instead of GNU's
	prefix      string
	sum         string // instead of the right checksum
}

// tarball packs items and the end marker.
func tarball(items ...item) []byte {
	var b bytes.Buffer
	for _, i := range items {
		b.Write(i.header())
		b.WriteString(i.data)
		b.Write(make([]byte, -len(i.data)&511))
	}
	b.Write(make([]byte, 1024))
	return b.Bytes()
}

// header packs the header block.
func (i item) header() []byte {
	h := make([]byte, 512)
	copy(h, i.name)
	copy(h[100:], fmt.Sprintf("%07o", i.mode))
	copy(h[108:], fmt.Sprintf("%07o", i.uid))
	copy(h[116:], fmt.Sprintf("%07o", i.gid))
	copy(h[124:], or(i.size, fmt.Sprintf("%011o", len(i.data))))
	copy(h[136:], fmt.Sprintf("%011o", 1_700_000_000))
	h[156] = i.typ
	copy(h[157:257], i.link)
	copy(h[257:], or(i.magic, "ustar  \x00"))
	copy(h[265:], i.user)
	copy(h[297:], i.group)
	copy(h[345:], i.prefix)
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], or(i.sum, fmt.Sprintf("%06o\x00 ", sum)))
	return h
}

// or returns s or, if it is empty, def.
func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// archive packs an ar archive of names and contents.
func archive(members ...string) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for i := 0; i < len(members); i += 2 {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", members[i], 0, 0, 0, "100644", len(members[i+1]), members[i+1])
		if len(members[i+1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

var control = tarball(item{name: "./", typ: '5', mode: 0o755}, item{name: "./control", typ: '0', mode: 0o644, data: "Package: x\n"})

// pkg packs a package without compression whose data archive is data.
func pkg(data []byte) []byte {
	return archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar", string(data))
}

// open reads a package from memory.
func open(t testing.TB, b []byte, limits deb.Limits) *deb.Reader {
	t.Helper()
	r, err := deb.NewReader(bytes.NewReader(b), int64(len(b)), deb.Options{Limits: limits})
	require.NoError(t, err)
	return r
}

// compress packs b as a file with the suffix is packed.
func compress(t *testing.T, suffix string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	var err error
	switch suffix {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".xz":
		w, err = xz.NewWriter(&out)
	case ".zst":
		w, err = zstd.NewWriter(&out)
	default:
		return b
	}
	require.NoError(t, err)
	_, err = w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
