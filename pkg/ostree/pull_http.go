package ostree

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// An httpSource is the repository of a remote behind a network.
type httpSource struct {
	p       *pull
	session *remoteSession

	// What the repository says of itself, in its summary or its configuration.
	keepsTombstones bool
	indexedDeltas   bool
}

// maxRemoteRefSize is the most that a file with a ref, or the configuration, may have.
const maxRemoteRefSize = 1 << 20

// A RefContentError says that a remote offers something that is no checksum
// where a ref has to be.
type RefContentError struct {
	PullRef
	Content string // the beginning of it
}

// Error implements error.
func (e *RefContentError) Error() string {
	return fmt.Sprintf("ref %s of the remote is not a checksum but %q", e.Ref, e.Content)
}

func (h *httpSource) resolve(ctx context.Context, ref PullRef) (Checksum, error) {
	path := "refs/heads/" + ref.Ref
	if ref.Collection != "" {
		path = "refs/mirrors/" + ref.Collection + "/" + ref.Ref
	}
	data, _, err := h.session.meta.ReadAll(ctx, path, fetch.GetOptions{MaxSize: maxRemoteRefSize})
	if err != nil {
		return Checksum{}, err
	}
	text := strings.TrimRight(string(data), " \t\r\n")
	c, err := ParseChecksum(text)
	if err != nil {
		return Checksum{}, &RefContentError{PullRef: ref, Content: text[:min(len(text), 64)]}
	}
	return c, nil
}

// about reads the configuration of the remote's repository, for those whose
// summary does not say the same. One without it is taken to be an archive.
func (h *httpSource) about(ctx context.Context) error {
	settings, err := h.session.settings(ctx)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	h.keepsTombstones, h.indexedDeltas = settings.tombstones, settings.indexedDeltas
	return checkRemoteMode(settings.mode.String())
}

// A RemoteModeError says that a remote's repository keeps files in a way that
// nobody else can read them over a network.
type RemoteModeError struct{ Mode string }

// Error implements error.
func (e *RemoteModeError) Error() string {
	return fmt.Sprintf("the remote's repository has mode %s; only one of mode archive can be pulled from", e.Mode)
}

func checkRemoteMode(text string) error {
	if mode, err := ParseMode(text); err != nil || mode != ModeArchive {
		return &RemoteModeError{Mode: text}
	}
	return nil
}

func (h *httpSource) meta(ctx context.Context, n ObjectName, limit int64) ([]byte, error) {
	data, _, err := h.session.content.ReadAll(ctx, remoteObjectPath(n), fetch.GetOptions{MaxSize: limit, Immutable: true})
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, &missingObjectError{name: n, err: err}
	}
	if err != nil {
		return nil, err
	}
	h.p.stats.fetchedMeta.Add(1)
	return data, nil
}

// remoteObjectPath is where an archive has an object.
func remoteObjectPath(n ObjectName) string { return "objects/" + objectPath(n, ModeArchive) }

// A missingObjectError is an answer of a server that lacks an object. It is
// [ErrObjectNotFound].
type missingObjectError struct {
	name ObjectName
	err  error
}

func (e *missingObjectError) Error() string        { return e.err.Error() }
func (e *missingObjectError) Unwrap() error        { return e.err }
func (e *missingObjectError) Is(target error) bool { return target == ErrObjectNotFound }

// detached asks the place of the summary and not that of the content: a mirror
// may lag behind.
func (h *httpSource) detached(ctx context.Context, c Checksum, limit int64) ([]byte, bool, error) {
	path := remoteObjectPath(ObjectName{c, ObjectCommitMeta})
	data, _, err := h.session.meta.ReadAll(ctx, path, fetch.GetOptions{MaxSize: limit})
	h.p.stats.fetchedMeta.Add(1)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (h *httpSource) storeMeta(_ context.Context, n ObjectName, data []byte) error {
	// Metadata counts, since a server could go on sending it for ever.
	size := int64(len(data))
	if err := h.p.w.space.take(size); err != nil {
		return err
	}
	return h.p.w.putMetaAs(n, data)
}

func (h *httpSource) trusted() bool { return false }

func (h *httpSource) tombstones() bool { return h.keepsTombstones }

func (h *httpSource) storeFile(ctx context.Context, c Checksum) (err error) {
	n := ObjectName{c, ObjectFile}
	resp, err := h.session.content.Get(ctx, remoteObjectPath(n), fetch.GetOptions{Priority: fetch.Content, Immutable: true})
	if errors.Is(err, fetch.ErrNotFound) {
		return &missingObjectError{name: n, err: err}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if err := h.p.w.writeArchived(ctx, n, resp.Body, h.p.fileChecks()); err != nil {
		return fmt.Errorf("%s: %w", n, err)
	}
	h.p.stats.fetchedContent.Add(1)
	return nil
}
