package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A Writer adds to a repository inside [Repo.Update]. Its methods may be called
// from several goroutines. Reading through it also shows what it has written.
type Writer struct {
	repo     *Repo
	store    *store // the staging directory, and behind it the repository
	staging  *staging
	space    *space
	opts     UpdateOptions
	sync     bool
	each     bool // sync each object
	closed   atomic.Bool
	serial   atomic.Int64 // of temporary files
	made     [256]atomic.Bool
	noVerity atomic.Bool // the file system has none
	// mayLinkPayloads is the configuration's wish, canClone the file system's answer.
	mayLinkPayloads bool
	canClone        func() bool
	payloads        [256]sync.Mutex // held while an object with a payload is staged, by its first byte
	stats           writeStats

	noSummary   bool // leave the summary to the caller
	refsChanged bool // set when the update is done
	interrupted bool // by what tests interrupt it with

	mu       sync.Mutex
	refs     refUpdates
	complete []Checksum     // commits that are no longer partial when this is published
	after    []func() error // what to do when everything is visible
	adopted  []ObjectName   // staged as links to files of somebody else
}

// WriteStats counts what a [Writer] was given and what of it was new.
type WriteStats struct {
	MetadataTotal, MetadataWritten int
	ContentTotal, ContentWritten   int
	ContentBytesWritten            int64 // as read, before compression
	CacheHits                      int   // files whose checksum was known without reading them
}

type writeStats struct {
	metadata, metadataWritten, content, contentWritten, contentBytes, cacheHits atomic.Int64
}

func newWriter(ctx context.Context, r *Repo, opts UpdateOptions) (*Writer, error) {
	space, err := newSpace(r)
	if err != nil {
		return nil, err
	}
	staging, err := newStaging(ctx, r, opts.Resume)
	if err != nil {
		return nil, err
	}
	w := &Writer{repo: r, staging: staging, space: space, opts: opts}
	w.sync = r.settings.sync && !r.opts.NoSync && !opts.NoSync
	w.each = w.sync && (r.settings.syncEach || opts.SyncEach)
	for _, first := range staging.resumed {
		w.made[first].Store(true)
	}
	w.store = &store{fd: staging.fd, mode: r.settings.mode, next: r.store, pools: r.pools, made: &w.made}
	w.store.locks = new([256]sync.RWMutex)
	w.refs = make(refUpdates)
	w.mayLinkPayloads, w.canClone = r.wantsPayloads(), sync.OnceValue(w.probeClone)
	return w, nil
}

// discard ends the Writer, and removes what was not published or keeps it to be
// resumed.
func (w *Writer) discard(keep bool) error {
	w.closed.Store(true)
	w.store.fd = -1 // its number may soon be that of another file
	if keep || w.interrupted {
		return errors.Join(w.disown(), w.staging.keep(w.interrupted))
	}
	return w.staging.remove()
}

// afterwards runs a function when the update is done and cannot fail any more.
func (w *Writer) afterwards(fn func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after = append(w.after, fn)
}

var errWriterClosed = errors.New("the update of the repository is over")

// begin is called before each write.
func (w *Writer) begin(ctx context.Context) error {
	if w.closed.Load() {
		return errWriterClosed
	}
	return ctx.Err()
}

// Stats returns what was written so far.
func (w *Writer) Stats() WriteStats {
	s := &w.stats
	return WriteStats{
		MetadataTotal:       int(s.metadata.Load()),
		MetadataWritten:     int(s.metadataWritten.Load()),
		ContentTotal:        int(s.content.Load()),
		ContentWritten:      int(s.contentWritten.Load()),
		ContentBytesWritten: s.contentBytes.Load(),
		CacheHits:           int(s.cacheHits.Load()),
	}
}

// putMeta stores a metadata object under the checksum of its bytes.
func (w *Writer) putMeta(t ObjectType, data []byte) (Checksum, error) {
	c := Checksum(sha256.Sum256(data))
	return c, w.putMetaAs(ObjectName{c, t}, data)
}

func (w *Writer) putMetaAs(name ObjectName, data []byte) error {
	if len(data) > maxMetadataSize {
		return fmt.Errorf("write %s: %d bytes are more than the limit of %d", name, len(data), maxMetadataSize)
	}
	w.stats.metadata.Add(1)
	if ok, err := w.published(name); ok || err != nil {
		return err
	}
	created, err := w.stageBytes(name, data)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if created {
		w.stats.metadataWritten.Add(1)
	}
	return nil
}

// published tells whether the repository or its parents have an object. Whether it
// was staged already comes out when it is staged.
func (w *Writer) published(name ObjectName) (bool, error) { return w.store.next.has(name) }

// stageBytes stages an object that is a plain file.
func (w *Writer) stageBytes(name ObjectName, data []byte) (bool, error) {
	const mode = 0o644
	return w.put(name, data, mode, func(fd int) error {
		st, err := fsx.StatAt(fd, "")
		if err != nil || st.Mode&0o7777 == mode {
			return err
		}
		return unix.Fchmod(fd, mode)
	})
}
