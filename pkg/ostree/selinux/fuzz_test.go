package selinux_test

import (
	"testing"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

// FuzzRead reads file contexts that nobody vouches for, and looks a path up.
func FuzzRead(f *testing.F) {
	f.Add(contexts, "/usr/local /usr\n", "/usr/bin/su", uint32(0o100755))
	f.Add("/(a|b){2}[^/]*\\.x?\t--\tx_t\n", "/a /\n", "/ab.", uint32(0))
	f.Add("/x|y* y_t\n/\\Qx\\E <<none>>\n", "", "/\xff//", uint32(0o40000))
	f.Fuzz(func(t *testing.T, text, subs, path string, mode uint32) {
		root := testFS(enabled, map[string]string{files: text, files + ".subs": subs})
		p, err := selinux.Read(root)
		if err != nil {
			return
		}
		label, err := p.Label(path, mode)
		if err != nil {
			return
		}
		again, err := p.Label(path, mode)
		if err != nil || again != label {
			t.Fatalf("%q became %q, %v", label, again, err)
		}
	})
}
