// Command mirror-suite downloads all packages of APT sources, verified, into a directory that is an archive
// itself:
//
//	mirror-suite DIRECTORY 'deb [signed-by=/etc/key.gpg] http://archive.example/debian stable main'
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := mirror(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mirror-suite:", err)
		os.Exit(1)
	}
}

func mirror(ctx context.Context, dir, line string) error {
	sources, err := source.ParseOneLine([]byte(line), "arguments")
	if err != nil {
		return err
	}
	client, err := apt.NewClient(apt.ClientOptions{CacheDir: filepath.Join(dir, ".cache"), Architecture: "amd64"})
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // nothing of it is kept open for writing
	universe, err := client.Update(ctx, sources)
	if err != nil {
		return err
	}
	var index []byte
	for p := range universe.All() {
		files, err := client.Download(ctx, []*apt.Package{p}, apt.DownloadOptions{})
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.Clean("/"+p.Filename))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.Link(files[p], file); err != nil && !os.IsExist(err) {
			return err
		}
		index = fmt.Appendf(index, "%s\n\n", strings.TrimSpace(p.Paragraph().Raw()))
		fmt.Println(p)
	}
	return os.WriteFile(filepath.Join(dir, "Packages"), index, 0o644)
}
