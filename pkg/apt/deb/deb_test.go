package deb_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

func TestControl(t *testing.T) {
	t.Parallel()
	data := tarball()
	for _, suffix := range []string{"", ".gz", ".xz", ".zst"} {
		c, err := open(t, archive("debian-binary", "2.1\nmore\n", "_extra", "x", "control.tar"+suffix,
			string(compress(t, suffix, control)), "_more", "", "data.tar/", string(data), "anything", "y"), deb.Limits{}).Control()
		require.NoError(t, err)
		require.Equal(t, deb.Control{"control": {Mode: 0o644, Data: []byte("Package: x\n")}}, c)
		require.Equal(t, "Package: x\n", string(c.Paragraph()))
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("d/", 80) + "file"
	data := tarball(
		item{name: "./", typ: '5', mode: 0o755},
		item{name: "./usr/bin/su", mode: 0o4755, uid: 5, gid: 6, user: "u", group: "g", data: "binary"},
		item{name: "././@LongLink", typ: 'L', data: "./" + long + "\x00"},
		item{name: "./cut", typ: '0', data: "x"},
		item{name: "././@LongLink", typ: 'K', data: long + "\x00"},
		item{name: "./link", typ: '2', link: "cut"},
		item{name: "./hard", typ: '1', link: "./usr/bin/su"},
		item{name: "old/"},
		item{name: "name", prefix: "pre/fix", typ: '0', magic: "ustar\x0000"},
		item{name: "./dev", typ: '3'},
		item{name: "./pipe", typ: '6'},
		item{name: "./v7", magic: "\x00", user: "ignored"},
		item{name: "./huge-id", size: "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", data: "z"},
	)
	for _, suffix := range []string{"", ".gz", ".xz", ".zst"} {
		var got []string
		r := open(t, archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar"+suffix,
			string(compress(t, suffix, data))), deb.Limits{})
		for e, err := range r.Data(t.Context()) {
			require.NoError(t, err)
			content, err := io.ReadAll(e)
			require.NoError(t, err)
			got = append(got, strings.TrimSpace(e.Type.String()+" "+e.Path+" "+e.Target+" "+e.User+string(content)))
			require.Equal(t, int64(1_700_000_000), e.ModTime.Unix())
		}
		require.Equal(t, []string{
			"directory .", "file usr/bin/su  ubinary", "file " + long + "  x", "symbolic link link " + long,
			"hard link hard usr/bin/su", "directory old", "file pre/fix/name", "character device dev", "named pipe pipe",
			"file v7", "file huge-id  z",
		}, got)
	}
}

// TestRefuses holds what dpkg refuses, and what could harm.
func TestRefuses(t *testing.T) {
	t.Parallel()
	truncated := tarball(item{name: "./a", data: strings.Repeat("x", 600)})[:800]
	for name, test := range map[string]struct {
		pkg  []byte
		want string
	}{
		"pax":               {pkg(tarball(item{name: "./a", typ: 'x'})), "PAX header"},
		"global pax":        {pkg(tarball(item{name: "./a", typ: 'g'})), "PAX header"},
		"sparse":            {pkg(tarball(item{name: "./a", typ: 'S'})), "unsupported type 'S'"},
		"contiguous":        {pkg(tarball(item{name: "./a", typ: '7'})), "unsupported type '7'"},
		"no name":           {pkg(tarball(item{typ: '0'})), "empty name"},
		"newline":           {pkg(tarball(item{name: "./a\nb"})), "newline"},
		"absolute":          {pkg(tarball(item{name: "/etc/passwd"})), "absolute"},
		"parent":            {pkg(tarball(item{name: "./a/../../b"})), "leaves the root"},
		"parent link":       {pkg(tarball(item{name: "./a", typ: '1', link: "../x"})), "leaves the root"},
		"dangling link":     {pkg(tarball(item{name: "./a", typ: '1', link: "./b"})), "no file before it"},
		"link to symlink":   {pkg(tarball(item{name: "./b", typ: '2', link: "/x"}, item{name: "./a", typ: '1', link: "./b"})), "no file before it"},
		"root is a file":    {pkg(tarball(item{name: ".", typ: '0'})), "the root is a file"},
		"directory content": {pkg(tarball(item{name: "./a", typ: '5', data: "x"})), "has content"},
		"empty symlink":     {pkg(tarball(item{name: "./a", typ: '2'})), "target of 0 bytes"},
		"long component":    {pkg(tarball(item{name: "L", typ: 'L', data: strings.Repeat("x", 256)}, item{name: "x"})), "name of 256 bytes"},
		"long path":         {pkg(tarball(item{name: "L", typ: 'L', data: strings.Repeat("x/", 2100)}, item{name: "x"})), "path length"},
		"no long name":      {pkg(tarball(item{name: "L", typ: 'L'}, item{name: "x"})), "empty long name"},
		"lone long name":    {pkg(tarball(item{name: "L", typ: 'L', data: "x"})), "followed by no entry"},
		"checksum":          {pkg(tarball(item{name: "./a", sum: "1234567\x00"})), "checksum"},
		"size":              {pkg(tarball(item{name: "./a", size: "zzz"})), "broken size"},
		"negative size":     {pkg(tarball(item{name: "./a", size: strings.Repeat("\xff", 12)})), "negative"},
		"enormous size":     {pkg(tarball(item{name: "./a", size: "\x80\x7f" + strings.Repeat("\xff", 10)})), "broken size"},
		"truncated entry":   {pkg(truncated), "truncated"},
		"truncated header":  {pkg(truncated[:100]), "truncated"},
		"truncated xz":      {archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.xz", string(compress(t, ".xz", truncated)[:90])), "the file ends too early"},
		"no xz":             {archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.xz", "text"), "the file ends too early"},
		"bzip2":             {archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.bz2", "BZ"), `compression ".bz2" is not supported`},
		"empty data":        {archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar", ""), "data.tar is empty"},
		"extra member":      {archive("debian-binary", "2.0\n", "extra", "x", "control.tar", string(control)), `member "extra" found`},
		"order":             {archive("debian-binary", "2.0\n", "data.tar", "x", "control.tar", string(control)), `member "data.tar" found`},
		"no data":           {archive("debian-binary", "2.0\n", "control.tar", string(control)), "truncated"},
		"cut":               {pkg(tarball())[:1700], "truncated"},
		"version":           {archive("debian-binary", "3.0\n"), `version "3.0"`},
		"first member":      {archive("control.tar", "x"), "instead of debian-binary"},
		"old":               {[]byte("0.939000\n12\n"), "0.93"},
		"text":              {[]byte("hello, world"), "no ar archive"},
		"empty":             {nil, "no ar archive"},
		"ar size":           {bytes.Replace(pkg(tarball()), []byte("100644  4   "), []byte("100644  -4  "), 1), "broken size"},
		"ar header":         {bytes.Replace(pkg(tarball()), []byte("`\n"), []byte("xx"), 1), "broken ar header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := readAll(t.Context(), test.pkg, deb.Limits{})
			require.ErrorContains(t, err, test.want)
			require.ErrorIs(t, err, deb.ErrFormat)
		})
	}
}

// readAll reads everything in a package.
func readAll(ctx context.Context, b []byte, limits deb.Limits) error {
	r, err := deb.NewReader(bytes.NewReader(b), int64(len(b)), deb.Options{Limits: limits})
	if err != nil {
		return err
	}
	if _, err := r.Control(); err != nil {
		return err
	}
	for e, err := range r.Data(ctx) {
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, e); err != nil {
			return err
		}
	}
	return nil
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	for want, tar := range map[string][]byte{
		"no control file":            tarball(item{name: "./postinst"}),
		`directory "d" is no`:        tarball(item{name: "./d", typ: '5'}),
		`symbolic link "control" is`: tarball(item{name: "./control", typ: '2', link: "/etc/shadow"}),
		`file "a/control" is no`:     tarball(item{name: "./a/control"}),
	} {
		err := readAll(t.Context(), archive("debian-binary", "2.0\n", "control.tar", string(tar), "data.tar", string(tarball())), deb.Limits{})
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, deb.ErrFormat)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 1<<20)
	big := archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.xz",
		string(compress(t, ".xz", tarball(item{name: "./a", data: zeros}, item{name: "./b"}))))
	require.NoError(t, readAll(t.Context(), big, deb.Limits{}))
	for name, test := range map[string]struct {
		limits deb.Limits
		want   string
	}{
		"entries": {deb.Limits{Entries: 1}, "number of archive entries exceeds the limit of 1"},
		"size":    {deb.Limits{DataSize: 1 << 19}, "unpacked size of data.tar.xz"},
		"ratio":   {deb.Limits{Ratio: 10, RatioFree: 1}, "compression ratio"},
		"window":  {deb.Limits{Window: 1 << 20}, "xz dictionary size"},
		"control": {deb.Limits{ControlSize: 100}, "unpacked size of control.tar"},
		"path":    {deb.Limits{PathLength: 2}, "path length"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := readAll(t.Context(), big, test.limits)
			require.ErrorContains(t, err, test.want)
			var limit *deb.LimitError
			require.ErrorIs(t, err, deb.ErrFormat)
			require.ErrorAs(t, err, &limit)
		})
	}
}

func TestDataStopsAndCancels(t *testing.T) {
	t.Parallel()
	r := open(t, pkg(tarball(item{name: "./a"}, item{name: "./b"})), deb.Limits{})
	seen := 0
	for _, err := range r.Data(t.Context()) {
		require.NoError(t, err)
		seen++
		break
	}
	require.Equal(t, 1, seen)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range r.Data(ctx) {
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, deb.ErrFormat)
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	t.Parallel()
	_, err := deb.Open("/nowhere/x.deb", deb.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	file := filepath.Join(t.TempDir(), "x.deb")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o600))
	_, err = deb.Open(file, deb.Options{})
	require.ErrorContains(t, err, file)
}

// TestXZLayouts lets xz write what dpkg-deb writes for large packages, and streams in a row.
func TestXZLayouts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	data := tarball(item{name: "./a", data: strings.Repeat("some text ", 50_000)}, item{name: "./b", data: "end"})
	xz := func(in []byte, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "xz", append(args, "-c")...)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		require.NoError(t, err)
		return string(out)
	}
	for name, packed := range map[string]string{
		"blocks":  xz(data, "--block-size=50000", "-T2"),
		"streams": xz(data[:10_000]) + "\x00\x00\x00\x00" + xz(data[10_000:], "--check=sha256"),
		"no sum":  xz(data, "--check=none", "-0"),
	} {
		p := archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.xz", packed)
		require.NoError(t, readAll(t.Context(), p, deb.Limits{}), name)
		require.ErrorContains(t, readAll(t.Context(), p, deb.Limits{Window: 4096}), "dictionary", name)
	}
	// The second stream's dictionary is seen as well.
	p := archive("debian-binary", "2.0\n", "control.tar", string(control), "data.tar.xz",
		xz(data[:10_000], "-0")+xz(data[10_000:], "--lzma2=dict=64MiB"))
	require.ErrorContains(t, readAll(t.Context(), p, deb.Limits{Window: 8 << 20}), "dictionary")
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("!<arch>\n"))
	f.Add(pkg(tarball(item{name: "./a", data: "x"})))
	f.Add(pkg(tarball(item{name: "L", typ: 'L', data: "./long"}, item{name: "./a", typ: '2', link: "b"})))
	for _, suffix := range []string{".gz", ".xz", ".zst"} {
		t := new(testing.T)
		f.Add(archive("debian-binary", "2.0\n", "control.tar"+suffix, string(compress(t, suffix, control)),
			"data.tar"+suffix, string(compress(t, suffix, tarball(item{name: "./a", data: "x"})))))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := deb.Limits{Entries: 100, ControlSize: 1 << 20, DataSize: 1 << 20, Window: 8 << 20}
		r, err := deb.NewReader(bytes.NewReader(b), int64(len(b)), deb.Options{Limits: limits})
		if err != nil {
			return
		}
		if c, err := r.Control(); err == nil {
			require.NotNil(t, c.Paragraph())
		}
		for e, err := range r.Data(t.Context()) {
			if err != nil {
				require.Nil(t, e)
				return
			}
			require.True(t, fs.ValidPath(e.Path), e.Path)
			n, _ := io.Copy(io.Discard, e) // the error comes again from the walk
			require.LessOrEqual(t, n, e.Size)
		}
	})
}

// FuzzTar mutates entries behind a valid checksum.
func FuzzTar(f *testing.F) {
	f.Add(item{name: "./a", data: "x"}.header(), []byte("x"))
	f.Add(item{name: "./a", typ: '2', link: "b"}.header(), []byte{})
	f.Fuzz(func(t *testing.T, header, data []byte) {
		h := make([]byte, 512)
		copy(h, header)
		copy(h[148:], "        ")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0})
		err := readAll(t.Context(), pkg(append(h, data...)), deb.Limits{DataSize: 1 << 20})
		if err != nil {
			require.ErrorIs(t, err, deb.ErrFormat)
		}
	})
}
