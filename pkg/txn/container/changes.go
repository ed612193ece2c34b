package container

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// maxChangelog bounds what is read of a changelog, in bytes; the newest entries come first.
const maxChangelog = 1 << 20

// year is how far back changes count.
const year = 365 * 24 * time.Hour

// changeDates gives the dates of a package's changelog, as the tree has it; none if it has
// none, as systems without documentation do.
func changeDates(tree fs.FS, name string) (dates []time.Time, err error) {
	for _, file := range []string{"changelog.Debian.gz", "changelog.gz"} {
		f, err := tree.Open(path.Join("usr/share/doc", name, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		dates, err = readDates(f)
		return dates, errors.Join(err, f.Close())
	}
	return nil, nil
}

// readDates reads the trailers of the entries, see deb-changelog(5). What is no changelog has
// none.
func readDates(compressed io.Reader) (dates []time.Time, err error) {
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(io.LimitReader(plain, maxChangelog))
	lines.Buffer(nil, maxChangelog)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), " -- ") {
			continue
		}
		_, text, ok := strings.Cut(lines.Text(), ">  ")
		if !ok {
			continue
		}
		if date, err := time.Parse("Mon, _2 Jan 2006 15:04:05 -0700", strings.TrimSpace(text)); err == nil {
			dates = append(dates, date)
		}
	}
	return dates, lines.Err()
}

// newest is the last date of all, which stands for the time of the build.
func newest(all [][]time.Time) (last time.Time) {
	for _, dates := range all {
		for _, d := range dates {
			if d.After(last) {
				last = d
			}
		}
	}
	return last
}

// changesInAYear counts the changes in the year before a date.
func changesInAYear(dates []time.Time, before time.Time) (n int) {
	for _, d := range dates {
		if before.Sub(d) <= year {
			n++
		}
	}
	return n
}
