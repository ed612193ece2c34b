package deb_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

func ExampleReader_Data() {
	packed := pkg(tarball(
		item{name: "./usr/bin/", typ: '5', mode: 0o755},
		item{name: "./usr/bin/hello", mode: 0o755, data: "#!/bin/sh\n"},
		item{name: "./usr/bin/hi", typ: '2', link: "hello"},
	))
	r, err := deb.NewReader(bytes.NewReader(packed), int64(len(packed)), deb.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e, err := range r.Data(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: %s\n", e.Type, e.Path)
	}
	// Output:
	// directory: usr/bin
	// file: usr/bin/hello
	// symbolic link: usr/bin/hi
}
