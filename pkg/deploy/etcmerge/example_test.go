package etcmerge_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
)

// What an update would do with a machine's configuration.
func ExamplePreview() {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	old := fstest.MapFS{"issue": file("Debian 12"), "motd": file("hi"), "sshd": file("port 22")}
	local := fstest.MapFS{"issue": file("Debian 12"), "motd": file("hello"), "sshd": file("port 2222")}
	next := fstest.MapFS{"issue": file("Debian 13"), "motd": file("hi"), "sshd": file("port 22\nusepam")}
	out, err := etcmerge.Preview(context.Background(), old, local, next, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("taken:", out.Taken)
	fmt.Println("kept:", out.Kept)
	fmt.Println("conflicts:", out.Conflicts[0].Path)
	// Output:
	// taken: [{issue modified}]
	// kept: [{motd modified}]
	// conflicts: sshd
}
