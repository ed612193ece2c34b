package ostree

import "fmt"

// MaxTreeDepth is how many directories may be inside each other in a tree that
// this package walks. No program could check out a deeper one, and a damaged
// repository can hold a directory that is inside itself.
const MaxTreeDepth = 2048

// checkDepth gives an error for a directory that is too deep in its tree.
func checkDepth(depth int, contents Checksum) error {
	if depth <= MaxTreeDepth {
		return nil
	}
	return corrupt(ObjectName{contents, ObjectDirTree}.String(), fmt.Errorf("more than %d directories inside each other", MaxTreeDepth))
}
