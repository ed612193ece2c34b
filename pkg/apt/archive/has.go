package archive

import (
	"errors"
	"io/fs"
	"os"
)

// Has reports whether a file is there, by name and size: an estimate that costs no reading, for
// telling how much is to be fetched. [Cache.Lookup] verifies.
func (c *Cache) Has(want Checksums) (bool, error) {
	path, err := c.path(want)
	if err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && (want.Size < 0 || info.Size() == want.Size), err
}
