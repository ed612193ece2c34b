package ostree

import (
	"sync"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// stagedCommits are the commits to publish when all they need is in place.
type stagedCommits struct {
	mu    sync.Mutex
	names []Checksum
}

func (s *stagedCommits) add(c Checksum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, c)
}

// syncDirs makes the names of the commits durable.
func (s *stagedCommits) syncDirs(objects int) error {
	for _, c := range s.names {
		dir, err := fsx.OpenDirAt(objects, c.String()[:2])
		if err != nil {
			return err
		}
		err = syncFD(int(dir.Fd()), dir.Name())
		if closeErr := dir.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publishCommit gives a commit its name, and removes a tombstone that says it was
// deleted.
func (w *Writer) publishCommit(c Checksum) error {
	path := objectPath(ObjectName{c, ObjectCommit}, w.store.mode)
	if err := moveObject(w.staging.fd, w.repo.store.fd, path, ObjectCommit); err != nil {
		return err
	}
	return w.repo.removeTombstone(c)
}
