package apt

import (
	"fmt"
	"sync"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// keyrings loads each keyring once during an update: checking the signatures within Debian's takes
// longer than everything else if nothing has changed, and its sources share it.
type keyrings struct {
	root string

	mu   sync.Mutex // guards what follows
	once map[string]func() (*archive.Keyring, error)
}

func newKeyrings(root string) *keyrings {
	return &keyrings{root: root, once: map[string]func() (*archive.Keyring, error){}}
}

func (k *keyrings) load(s source.SignedBy) (*archive.Keyring, error) {
	name := fmt.Sprintf("%q", s)
	k.mu.Lock()
	once := k.once[name]
	if once == nil {
		once = sync.OnceValues(func() (*archive.Keyring, error) { return archive.LoadKeyring(k.root, s) })
		k.once[name] = once
	}
	k.mu.Unlock()
	return once()
}
