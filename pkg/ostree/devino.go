package ostree

import "sync"

// A DevInoCache remembers which inodes are which file objects, so that a commit
// of a tree that was made by hard links need not read the files again. A
// checkout fills it; see [CheckoutOptions]. The zero value is ready for use, by
// several goroutines.
//
// An inode number is used again when its file is gone: the cache is good as
// long as the objects stay in the repository.
type DevInoCache struct {
	mu    sync.RWMutex
	known map[devIno]Checksum
}

type devIno struct{ dev, ino uint64 }

// Add notes that an inode, by the numbers of its device and itself, is an object.
func (d *DevInoCache) Add(dev, ino uint64, c Checksum) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = make(map[devIno]Checksum)
	}
	d.known[devIno{dev, ino}] = c
}

// Lookup returns the object that an inode is.
func (d *DevInoCache) Lookup(dev, ino uint64) (Checksum, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	c, ok := d.known[devIno{dev, ino}]
	return c, ok
}

// Len returns how many inodes are known.
func (d *DevInoCache) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.known)
}
