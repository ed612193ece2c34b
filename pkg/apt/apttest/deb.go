package apttest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

// Deb describes a binary package. Package is required; Version defaults to "1.0" and Architecture to
// "all".
type Deb struct {
	Package      string
	Version      string
	Architecture string

	// The most common control fields, as text.
	Depends, PreDepends, Recommends, Suggests, Conflicts, Breaks, Replaces, Provides string

	MultiArch string
	Essential bool
	Source    string
	// Description is the summary and, after a newline, the long text.
	Description string
	// Fields are further control fields, one "Name: value" each.
	Fields []string

	Files []File
	// Scripts holds maintainer scripts by name, such as "postinst", without their first line if they
	// do not start with "#!": "#!/bin/sh\nset -e\n" is added.
	Scripts map[string]string
	// Control holds further files of the control member by name, such as "triggers" or "templates".
	Control map[string]string
	// Conffiles lists configuration files; those of Files below etc/ are added on their own unless
	// NoConffiles is set.
	Conffiles   []string
	NoConffiles bool

	// Compression of the members; the default is xz.
	Compression Compression
	// Component of the archive; the default is the first one.
	Component string
	// Time is the modification time of everything inside; the default is 2024-01-01 00:00 UTC.
	Time time.Time
}

// Compression is that of a member of a .deb or of an index.
type Compression string

// The compressions dpkg and apt know that are in use. The zero value is XZ in a Deb.
const (
	XZ   Compression = "xz"
	Gzip Compression = "gz"
	Zstd Compression = "zst"
	None Compression = "none"
)

// extension returns what is appended to a file name.
func (c Compression) extension() string {
	if c == None {
		return ""
	}
	return "." + string(c)
}

// Build returns the .deb.
func (d Deb) Build(t testing.TB) []byte {
	t.Helper()
	d = d.withDefaults()
	data := d.dataTar(t)
	control := d.controlTar(t)
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	member := func(name string, content []byte) {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, d.Time.Unix(), 0, 0, "100644", len(content))
		b.Write(content)
		if len(content)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	member("debian-binary", []byte("2.0\n"))
	member("control.tar"+d.Compression.extension(), Compress(t, d.Compression, control))
	member("data.tar"+d.Compression.extension(), Compress(t, d.Compression, data))
	return b.Bytes()
}

// Write builds the .deb into a directory and returns its path.
func (d Deb) Write(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, d.FileName())
	require.NoError(t, os.WriteFile(path, d.Build(t), 0o644))
	return path
}

// FileName returns the name of the .deb in an archive: "package_version_arch.deb", without epoch.
func (d Deb) FileName() string {
	d = d.withDefaults()
	_, version, found := strings.Cut(d.Version, ":")
	if !found {
		version = d.Version
	}
	return d.Package + "_" + version + "_" + d.Architecture + ".deb"
}

// ControlFile returns the control paragraph.
func (d Deb) ControlFile() string {
	d = d.withDefaults()
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.ReplaceAll(value, "\n", "\n "))
		}
	}
	field("Package", d.Package)
	field("Source", d.Source)
	field("Version", d.Version)
	field("Architecture", d.Architecture)
	if d.Essential {
		field("Essential", "yes")
	}
	field("Maintainer", "Test <test@archive.example>")
	field("Installed-Size", fmt.Sprint(d.installedSize()))
	field("Pre-Depends", d.PreDepends)
	field("Depends", d.Depends)
	field("Recommends", d.Recommends)
	field("Suggests", d.Suggests)
	field("Conflicts", d.Conflicts)
	field("Breaks", d.Breaks)
	field("Replaces", d.Replaces)
	field("Provides", d.Provides)
	field("Multi-Arch", d.MultiArch)
	for _, name := range []string{"Section: misc", "Priority: optional"} {
		if !d.hasField(name) {
			b.WriteString(name + "\n")
		}
	}
	for _, f := range d.Fields {
		b.WriteString(strings.TrimSuffix(f, "\n") + "\n")
	}
	field("Description", d.Description)
	return b.String()
}

// hasField tells whether Fields sets the field that line would.
func (d Deb) hasField(line string) bool {
	name, _, _ := strings.Cut(line, ":")
	for _, f := range d.Fields {
		have, _, _ := strings.Cut(f, ":")
		if strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}

func (d Deb) withDefaults() Deb {
	if d.Version == "" {
		d.Version = "1.0"
	}
	if d.Architecture == "" {
		d.Architecture = "all"
	}
	if d.Description == "" {
		d.Description = "test package " + d.Package
	}
	if d.Compression == "" {
		d.Compression = XZ
	}
	if d.Time.IsZero() {
		d.Time = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return d
}

// installedSize estimates as dpkg-gencontrol does: KiB per file, rounded up.
func (d Deb) installedSize() int {
	kib := 0
	for _, f := range d.Files {
		kib += 1 + len(f.Content)>>10
	}
	return kib
}

// Compress packs data.
func Compress(t testing.TB, c Compression, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	var err error
	switch c {
	case None:
		return data
	case Gzip:
		w = gzip.NewWriter(&b)
	case Zstd:
		w, err = zstd.NewWriter(&b)
	case XZ, "":
		// A small dictionary: the default of 8 MiB costs more than a test package takes to build.
		w, err = xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
	default:
		t.Fatalf("unknown compression %q", c)
	}
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
