package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A pullWalk gets trees with several goroutines. What waits are names, not
// trees, and directories wait until there is little else to get, so that their
// number stays near that of one path.
type pullWalk struct {
	p     *pull
	paths []string // the subpaths that are wanted, all if empty

	mu    sync.Mutex
	cond  *sync.Cond
	metas []metaJob
	files []Checksum
	done  map[ObjectName]struct{} // everything that was ever in the queues as a whole
	busy  int                     // those who may still add to the queues
	ended bool                    // the context is done
}

// A metaJob is a dirtree or dirmeta to get.
type metaJob struct {
	ObjectName
	depth int
	path  string // of the directory, with a slash at the end; empty if all below it is wanted
}

const (
	// maxWaitingFiles is how many files may wait before directories do.
	maxWaitingFiles = 4096
)

func newPullWalk(p *pull) *pullWalk {
	w := &pullWalk{p: p, paths: p.opts.Subpaths, done: make(map[ObjectName]struct{})}
	w.cond = sync.NewCond(&w.mu)
	return w
}

// run calls feed, which adds trees, and gets them until nothing is left.
func (w *pullWalk) run(ctx context.Context, feed func(context.Context) error) error {
	group, groupCtx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(groupCtx, w.end)
	defer stop()
	w.busy = 1
	group.Go(func() error {
		defer w.leave()
		return feed(groupCtx)
	})
	for range w.p.workers() {
		group.Go(func() error { return w.work(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// workers is how many objects are worked on at the same time. Most of those who
// talk to a server wait for it.
func (p *pull) workers() int {
	n := 2 * runtime.GOMAXPROCS(0)
	if p.http != nil {
		n = max(n, p.http.session.client.MaxRequests())
	}
	return n
}

func (w *pullWalk) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.cond.Broadcast()
}

func (w *pullWalk) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	w.cond.Broadcast()
}

// seen notes an object and tells whether it was noted before.
func (w *pullWalk) seen(n ObjectName) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mark(n)
}

func (w *pullWalk) mark(n ObjectName) bool {
	_, ok := w.done[n]
	if !ok {
		w.done[n] = struct{}{}
	}
	return ok
}

// addCommit adds the root of a commit.
func (w *pullWalk) addCommit(id TreeID) {
	path := ""
	if len(w.paths) > 0 {
		path = "/"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(id, path, 0)
	w.cond.Broadcast()
}

func (w *pullWalk) add(id TreeID, path string, depth int) {
	if n := (ObjectName{id.Meta, ObjectDirMeta}); !w.mark(n) {
		w.metas = append(w.metas, metaJob{ObjectName: n})
	}
	n := ObjectName{id.Contents, ObjectDirTree}
	if path != "" || !w.mark(n) {
		w.metas = append(w.metas, metaJob{ObjectName: n, path: path, depth: depth})
	}
}

func (w *pullWalk) work(ctx context.Context) error {
	for {
		meta, file, ok := w.next()
		if !ok {
			return nil
		}
		if err := w.one(ctx, meta, file); err != nil {
			return err
		}
	}
}

func (w *pullWalk) one(ctx context.Context, meta metaJob, file Checksum) error {
	defer w.leave()
	switch meta.Type {
	case ObjectDirTree:
		return w.dirTree(ctx, meta)
	case ObjectDirMeta:
		_, err := w.p.metaObject(ctx, meta.ObjectName)
		return err
	}
	return w.p.fileObject(ctx, file)
}

// next waits for something to do. It gives false when everything is done.
func (w *pullWalk) next() (meta metaJob, file Checksum, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ended {
		switch m, f := len(w.metas), len(w.files); {
		case m > 0 && f < maxWaitingFiles:
			meta, w.metas = w.metas[m-1], w.metas[:m-1]
		case f > 0:
			file, w.files = w.files[f-1], w.files[:f-1]
		case w.busy == 0:
			return meta, file, false
		default:
			w.cond.Wait()
			continue
		}
		w.busy++
		return meta, file, true
	}
	return meta, file, false
}

// dirTree gets a directory and adds what is in it to the queues.
func (w *pullWalk) dirTree(ctx context.Context, job metaJob) error {
	if err := checkDepth(job.depth, job.Checksum); err != nil {
		return err
	}
	data, err := w.p.metaObject(ctx, job.ObjectName)
	if err != nil {
		return err
	}
	t, err := decodeDirTree(data)
	if err != nil {
		return corrupt(job.String(), err)
	}
	w.p.stats.scanned.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range t.Files {
		if job.path != "" && !w.wantFile(job.path+f.Name) {
			continue
		}
		if !w.mark(ObjectName{f.Checksum, ObjectFile}) {
			w.files = append(w.files, f.Checksum)
		}
	}
	for _, d := range t.Dirs {
		path, ok := w.wantDir(job.path, d.Name)
		if ok {
			w.add(d.Tree, path, job.depth+1)
		}
	}
	w.cond.Broadcast()
	return nil
}

func (w *pullWalk) wantFile(path string) bool {
	for _, want := range w.paths {
		if path == strings.TrimSuffix(want, "/") {
			return true
		}
	}
	return false
}

// wantDir tells whether a directory is wanted, and gives the path that goes with
// it: none if all below it is.
func (w *pullWalk) wantDir(parent, name string) (string, bool) {
	if parent == "" {
		return "", true
	}
	path := parent + name
	leads := false
	for _, want := range w.paths {
		want = strings.TrimRight(want, "/")
		if path == want || want == "" {
			return "", true
		}
		leads = leads || strings.HasPrefix(want, path+"/")
	}
	return path + "/", leads
}

// metaObject makes sure that a dirtree or dirmeta is here. It returns the bytes
// of a dirtree.
func (p *pull) metaObject(ctx context.Context, n ObjectName) ([]byte, error) {
	here := p.mayHold(n)
	if n.Type == ObjectDirMeta {
		if ok, err := here.has(n); ok || err != nil {
			return nil, err
		}
	} else {
		data, err := here.readMeta(n)
		if !errors.Is(err, ErrObjectNotFound) {
			return data, err
		}
	}
	p.stats.requestedMeta.Add(1)
	from := p.sourceOf(n)
	data, err := from.meta(ctx, n, p.limit())
	if err != nil {
		return nil, err
	}
	if err := checkMeta(n, data, from.trusted()); err != nil {
		return nil, err
	}
	return data, from.storeMeta(ctx, n, data)
}

// checkMeta refuses a dirtree or dirmeta that is not what its name says, or is
// not well formed.
func checkMeta(n ObjectName, data []byte, trusted bool) error {
	if !trusted {
		if err := sameChecksum(n, sha256.Sum256(data)); err != nil {
			return err
		}
	}
	var err error
	if n.Type == ObjectDirTree {
		_, err = decodeDirTree(data)
	} else {
		_, err = decodeDirMeta(data)
	}
	return corrupt(n.String(), err)
}

// fileObject makes sure that a file object is here.
func (p *pull) fileObject(ctx context.Context, c Checksum) error {
	n := ObjectName{c, ObjectFile}
	if ok, err := p.mayHold(n).has(n); ok || err != nil {
		return err
	}
	p.stats.requestedContent.Add(1)
	return p.sourceOf(n).storeFile(ctx, c)
}
