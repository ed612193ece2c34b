package apttest

import (
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is one that the server got.
type Request struct {
	Path            string // without the leading slash
	Range           string // header fields
	IfModifiedSince string
	Authorization   string
	Status          int // of the answer
}

// Fault makes the server misbehave.
type Fault struct {
	// Path is a pattern of [path.Match] for the path without the leading slash; "*" alone matches
	// every path, and a pattern without a slash the last element.
	Path string
	// Times is how often it strikes; 0 means always.
	Times int
	// Status, if not 0, is answered instead of the file. RetryAfter goes with it.
	Status     int
	RetryAfter string
	// Location goes with a Status that redirects.
	Location string
	// CutAfter, if not 0, breaks the connection after so many bytes of the body.
	CutAfter int64
	// Stall waits before the answer.
	Stall time.Duration
	// Corrupt changes the last byte of the body.
	Corrupt bool
	// IgnoreRange answers with the whole file although a part was asked for.
	IgnoreRange bool
}

// Fault adds a fault. Earlier ones strike first.
func (a *Archive) Fault(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
}

// Requests returns what the server was asked for so far, in order.
func (a *Archive) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// ForgetRequests makes [Archive.Requests] start anew.
func (a *Archive) ForgetRequests() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = nil
}

// ServeHTTP serves the files of the archive, with ranges and conditional requests.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	fault := a.takeFault(name)
	recorder := &statusRecorder{ResponseWriter: w, fault: fault, left: fault.CutAfter}
	recorder.record = func(status int) { a.record(r, name, status) }
	if fault.Stall > 0 {
		select {
		case <-time.After(fault.Stall):
		case <-r.Context().Done():
		}
	}
	if fault.Status != 0 {
		if fault.RetryAfter != "" {
			w.Header().Set("Retry-After", fault.RetryAfter)
		}
		if fault.Location != "" {
			w.Header().Set("Location", fault.Location)
		}
		recorder.WriteHeader(fault.Status)
		return
	}
	if fault.IgnoreRange {
		ranged := r
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		recorder.record = func(status int) { a.record(ranged, name, status) }
	}
	file, err := os.Open(filepath.Join(a.Dir, filepath.FromSlash(name)))
	if err != nil {
		http.NotFound(recorder, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		http.NotFound(recorder, r)
		return
	}
	recorder.size = info.Size()
	http.ServeContent(recorder, r, "", info.ModTime(), file)
}

func (a *Archive) takeFault(name string) *Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range a.faults {
		subject := name
		if !strings.Contains(f.Path, "/") {
			subject = path.Base(name)
		}
		if ok, _ := path.Match(f.Path, subject); !ok { // a bad pattern matches nothing
			continue
		}
		taken := *f
		if f.Times == 1 {
			a.faults = slices.Delete(a.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return &taken
	}
	return &Fault{}
}

func (a *Archive) record(r *http.Request, name string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, Request{
		Path: name, Range: r.Header.Get("Range"), IfModifiedSince: r.Header.Get("If-Modified-Since"),
		Authorization: r.Header.Get("Authorization"), Status: status,
	})
}

// statusRecorder notes the status, before the client can see it, and spoils the body if the fault
// wants it.
type statusRecorder struct {
	http.ResponseWriter
	record func(status int)
	fault  *Fault
	left   int64 // until the connection breaks
	size   int64
	status int
	sent   int64
}

// WriteHeader notes the status.
func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
		s.record(status)
	}
	if length, err := strconv.ParseInt(s.Header().Get("Content-Length"), 10, 64); err == nil {
		s.size = length
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write passes data on, up to the point where the fault strikes.
func (s *statusRecorder) Write(data []byte) (int, error) {
	if s.status == 0 {
		s.WriteHeader(http.StatusOK)
	}
	if s.fault.CutAfter > 0 && s.status < 300 {
		if int64(len(data)) >= s.left {
			if _, err := s.ResponseWriter.Write(data[:s.left]); err != nil {
				return 0, err
			}
			if f, ok := s.ResponseWriter.(http.Flusher); ok {
				f.Flush()
			}
			panic(http.ErrAbortHandler)
		}
		s.left -= int64(len(data))
	}
	if s.fault.Corrupt && len(data) > 0 && s.sent+int64(len(data)) == s.size {
		data = slices.Clone(data)
		data[len(data)-1] ^= 0xff
	}
	s.sent += int64(len(data))
	return s.ResponseWriter.Write(data)
}
