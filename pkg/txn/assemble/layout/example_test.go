package layout_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// A plain tree becomes a commit's, and a plain one again when a layer is built on it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "layout")
	check(err)
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	repo, err := ostree.Init(dir+"/repo", ostree.ModeBareUser, ostree.Options{})
	check(err)
	defer repo.Close()

	check(repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o40755})
		for name, content := range map[string]string{
			"etc/passwd":                  "root:x:0:0:root:/root:/bin/sh\n",
			"etc/hostname":                "builder\n",
			"boot/vmlinuz-6.1.0-37-amd64": "the kernel",
			"var/lib/dpkg/status":         "Package: base-files\n",
		} {
			c, err := w.WriteFile(ctx, ostree.FileInfo{Mode: 0o100644, Size: int64(len(content))}, strings.NewReader(content))
			check(err)
			check(tree.MkdirAll(name[:strings.LastIndex(name, "/")], ostree.DirMeta{Mode: 0o40755}))
			check(tree.SetFile(name, c))
		}

		report, err := layout.Fold(ctx, w, tree, layout.Options{})
		check(err)
		fmt.Println("kernel", report.Kernel)
		fmt.Println("stripped", report.Stripped[0].Path)
		show(tree, "usr/etc/passwd", "usr/lib/modules/6.1.0-37-amd64/vmlinuz", "usr/lib/sysimage/dpkg/status")

		check(layout.Unfold(ctx, w, tree))
		show(tree, "etc/passwd", "var/lib/dpkg/status")
		return nil
	}))
	// Output:
	// kernel 6.1.0-37-amd64
	// stripped /etc/hostname
	// usr/etc/passwd true
	// usr/lib/modules/6.1.0-37-amd64/vmlinuz true
	// usr/lib/sysimage/dpkg/status true
	// etc/passwd true
	// var/lib/dpkg/status true
}

func show(tree *ostree.Tree, names ...string) {
	for _, name := range names {
		fmt.Println(name, tree.Exists(name))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
