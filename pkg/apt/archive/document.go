package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

// maxDocument bounds a Release file.
const maxDocument = 32 << 20

// Document is a file whose checksum nobody knows beforehand, such as InRelease.
type Document struct {
	Data []byte
	// ETag and LastModified are those of the server, for the next [Fetcher.Get].
	ETag         string
	LastModified string
	// NotModified says that the server has the same file as before; Data is then nil.
	NotModified bool
}

// Get fetches a document into memory, unless the server still has the one that previous describes;
// nil stands for none. The error for a missing document is a [*StatusError].
func (f *Fetcher) Get(ctx context.Context, target string, previous *Document) (*Document, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "file", "copy":
		return getLocal(localPath(u))
	case "http", "https":
	default:
		return nil, fmt.Errorf("%s: scheme %q is not supported; there are http, https and file", redact(target), u.Scheme)
	}
	var document *Document
	err = f.retry(ctx, target, func(ctx context.Context) (bool, error) {
		document, err = f.get(ctx, target, previous)
		return false, err
	})
	return document, err
}

func (f *Fetcher) get(ctx context.Context, target string, previous *Document) (*Document, error) {
	header := make(http.Header)
	if previous != nil && previous.ETag != "" {
		header.Set("If-None-Match", previous.ETag)
	}
	if previous != nil && previous.LastModified != "" {
		header.Set("If-Modified-Since", previous.LastModified)
	}
	// Caches between here and the server must ask it as well: a stale InRelease does not fit the
	// indexes.
	header.Set("Cache-Control", "max-age=0")
	ctx, w := f.watch(ctx)
	defer w.stop()
	response, err := f.request(ctx, target, header)
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer response.Body.Close()
	document := &Document{ETag: response.Header.Get("ETag"), LastModified: response.Header.Get("Last-Modified")}
	switch {
	case response.StatusCode == http.StatusNotModified && len(header) > 1:
		document.NotModified = true
		return document, nil
	case response.StatusCode != http.StatusOK:
		return nil, statusError(target, response)
	}
	document.Data, err = readDocument(w.reader(response.Body), target)
	return document, explain(ctx, err)
}

func getLocal(path string) (*Document, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &StatusError{URL: "file:" + path, Status: http.StatusNotFound, Text: "no such file"}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readDocument(f, path)
	return &Document{Data: data}, err
}

func readDocument(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		return nil, &StatusError{URL: redact(name), Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("larger than %d bytes", maxDocument)}
	}
	return data, err
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
