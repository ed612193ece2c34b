package apttest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// Publish writes the indexes and the signed Release files for what was added so far, and returns
// [Archive.Source]. It may be called again after changes.
func (a *Archive) Publish() source.Source {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	base := path.Join("dists", a.options.Suite)
	if a.options.Flat {
		base = "."
	}
	files := a.indexes()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		a.write(path.Join(base, name), files[name])
		if !a.options.NoByHash {
			a.write(path.Join(base, path.Dir(name), "by-hash/SHA256", fmt.Sprintf("%x", sum("SHA256", files[name]))), files[name])
		}
	}
	a.sign(base, a.release(files))
	a.stamp(base)
	return a.Source()
}

// indexes returns all Packages files by their paths below the Release file.
func (a *Archive) indexes() map[string][]byte {
	files := make(map[string][]byte)
	add := func(name string, stanzas []string) {
		text := strings.Join(stanzas, "\n")
		for _, c := range a.options.Compressions {
			files[name+c.extension()] = Compress(a.t, c, []byte(text))
		}
		// The uncompressed index is listed even where it is not offered.
		files[name] = []byte(text)
	}
	if a.options.Flat {
		var all []string
		for _, e := range a.entries {
			all = append(all, e.stanza)
		}
		add("Packages", all)
		return files
	}
	archs := slices.Clone(a.options.Architectures)
	if a.options.SeparateAll {
		archs = append(archs, "all")
	}
	for _, component := range a.options.Components {
		for _, arch := range archs {
			var stanzas []string
			for _, e := range a.entries {
				if a.in(e, component, arch) {
					stanzas = append(stanzas, a.indexed(e.stanza))
				}
			}
			add(component+"/binary-"+arch+"/Packages", stanzas)
		}
	}
	maps.Copy(files, a.extras(archs))
	return files
}

// release returns the text of the Release file.
func (a *Archive) release(files map[string][]byte) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	o := a.options
	line("Origin", o.Origin)
	line("Label", o.Label)
	line("Suite", o.Suite)
	line("Codename", o.Codename)
	line("Date", a.date().UTC().Format(time.RFC1123))
	if !a.ValidUntil.IsZero() {
		line("Valid-Until", a.ValidUntil.UTC().Format(time.RFC1123))
	}
	if !o.NoByHash {
		line("Acquire-By-Hash", "yes")
	}
	if !o.Flat {
		archs := strings.Join(o.Architectures, " ")
		if o.SeparateAll {
			archs = "all " + archs
		} else {
			line("No-Support-for-Architecture-all", "Packages")
		}
		line("Architectures", archs)
		var components []string
		for _, c := range o.Components {
			components = append(components, o.ComponentPrefix+c)
		}
		line("Components", strings.Join(components, " "))
	}
	for _, f := range a.ReleaseFields {
		b.WriteString(f + "\n")
	}
	hashes := a.Hashes
	if hashes == nil {
		hashes = []string{"SHA256"}
	}
	for _, algorithm := range hashes {
		b.WriteString(algorithm + ":\n")
		for _, name := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(&b, " %x %8d %s\n", sum(algorithm, files[name]), len(files[name]), name)
		}
	}
	return b.String()
}

func (a *Archive) date() time.Time {
	if a.Date.IsZero() {
		return time.Now().Add(-time.Hour)
	}
	return a.Date
}

// sign writes Release, Release.gpg and InRelease, and removes those that are not wanted.
func (a *Archive) sign(base, text string) {
	a.t.Helper()
	keys := a.Signers
	if keys == nil {
		keys = []*Key{a.Key}
	}
	at := a.SignedAt
	if at.IsZero() {
		at = a.date()
	}
	a.write(path.Join(base, "Release"), []byte(text))
	if a.Unsigned {
		a.delete(path.Join(base, "Release.gpg"))
	} else {
		a.write(path.Join(base, "Release.gpg"), DetachSign(a.t, text, at, keys...))
	}
	if a.Unsigned || a.NoInRelease {
		a.delete(path.Join(base, "InRelease"))
	} else {
		a.write(path.Join(base, "InRelease"), ClearSign(a.t, text, at, keys...))
	}
}

// stamp gives the Release files of every publication a modification time of their own: conditional
// requests know seconds only.
func (a *Archive) stamp(base string) {
	a.t.Helper()
	a.published++
	at := time.Now().Add(-time.Hour).Add(time.Duration(a.published) * time.Minute)
	for _, name := range []string{"InRelease", "Release", "Release.gpg"} {
		err := os.Chtimes(filepath.Join(a.Dir, filepath.FromSlash(base), name), at, at)
		if !os.IsNotExist(err) {
			require.NoError(a.t, err)
		}
	}
}

func (a *Archive) delete(name string) {
	a.t.Helper()
	err := os.Remove(filepath.Join(a.Dir, filepath.FromSlash(name)))
	if !os.IsNotExist(err) {
		require.NoError(a.t, err)
	}
}

// sum returns a checksum by the name it has in a Release file.
func sum(algorithm string, data []byte) []byte {
	switch algorithm {
	case "MD5Sum":
		s := md5.Sum(data)
		return s[:]
	case "SHA1":
		s := sha1.Sum(data)
		return s[:]
	case "SHA512":
		s := sha512.Sum512(data)
		return s[:]
	default:
		s := sha256.Sum256(data)
		return s[:]
	}
}
