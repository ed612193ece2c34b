package ostree

import "fmt"

// Complete notes that a commit is [CommitComplete], once this update is done.
func (w *Writer) Complete(c Checksum) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complete = append(w.complete, c)
}

// publishComplete removes the marks of commits that were partial.
func (w *Writer) publishComplete() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.complete {
		if err := w.repo.setCommitState(c, CommitComplete); err != nil {
			return fmt.Errorf("mark commit %s as complete: %w", c, err)
		}
	}
	return nil
}
