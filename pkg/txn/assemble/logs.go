package assemble

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// logLimit bounds the log file of one package.
const logLimit = 16 << 20

// logs writes what programs in the cage print, one file for each package or
// other subject. The zero value without a directory keeps only the tail. It is
// not safe for concurrent use.
type logs struct {
	dir     string
	started time.Time

	subject string
	file    *os.File
	size    int64
	tail    tail
	fresh   bool // at the beginning of a line
	err     error
}

// switchTo sends what follows to subject's file, with an empty tail.
func (l *logs) switchTo(subject string) {
	l.close()
	l.subject, l.tail, l.fresh = subject, tail{}, true
	if l.dir == "" {
		return
	}
	file, err := os.OpenFile(l.path(subject), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		l.keep(err)
		return
	}
	l.file = file
	if info, err := file.Stat(); err == nil {
		l.size = info.Size()
	}
}

// path is where the log of subject is; empty without a directory. Subjects are
// package names or names from the input, and never leave the directory.
func (l *logs) path(subject string) string {
	if l.dir == "" {
		return ""
	}
	return filepath.Join(l.dir, fileName(subject)+".log")
}

// Write adds output of the current subject. It never fails: a log that cannot
// be written does not stop the build. The first such error is kept for failure.
func (l *logs) Write(p []byte) (int, error) {
	_, _ = l.tail.Write(p) // keeps in memory, cannot fail
	if l.file == nil || l.size > logLimit {
		return len(p), nil
	}
	text := l.stamp(p)
	n, err := l.file.Write(text)
	l.size += int64(n)
	l.keep(err)
	if l.size > logLimit {
		_, err = l.file.WriteString("\n(the log is not continued, it is too long)\n")
		l.keep(err)
	}
	return len(p), nil
}

// stamp puts the seconds since the start of the build before each line.
func (l *logs) stamp(p []byte) []byte {
	text := make([]byte, 0, len(p)+len(p)/4)
	for _, c := range p {
		if l.fresh {
			text = fmt.Appendf(text, "[%9.3f] ", time.Since(l.started).Seconds())
		}
		text = append(text, c)
		l.fresh = c == '\n'
	}
	return text
}

func (l *logs) keep(err error) {
	if err != nil && l.err == nil {
		l.err = err
	}
}

func (l *logs) close() {
	if l.file != nil {
		l.keep(l.file.Close())
		l.file, l.size = nil, 0
	}
}

// failure returns the first error of writing logs since the last call.
func (l *logs) failure() error {
	err := l.err
	l.err = nil
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: does the log directory exist?", err)
	}
	return err
}

// fileName turns a subject into one element of a path.
func fileName(subject string) string {
	name := []byte(subject)
	for i, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '+', c == '_', c == '.' && i > 0:
		default:
			name[i] = '_'
		}
	}
	return string(name)
}
