// Command read-deb prints what a Debian package says of itself, and what it would install:
//
//	read-deb hello_2.10-3_amd64.deb
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := read(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "read-deb:", err)
		os.Exit(1)
	}
}

func read(ctx context.Context, file string) error {
	pkg, err := deb.Open(file, deb.Options{})
	if err != nil {
		return err
	}
	defer pkg.Close()
	control, err := pkg.Control()
	if err != nil {
		return err
	}
	fmt.Print(string(control.Paragraph()))
	conffiles, err := control.Conffiles()
	if err != nil {
		return err
	}
	for _, c := range conffiles {
		fmt.Println("conffile", c.Path)
	}
	for entry, err := range pkg.Data(ctx) {
		if err != nil {
			return err
		}
		fmt.Printf("%04o %s/%s %d %s\n", entry.Mode, entry.User, entry.Group, entry.Size, entry.Path)
	}
	return nil
}
