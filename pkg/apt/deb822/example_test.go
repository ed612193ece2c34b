package deb822_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

func ExampleReader() {
	r := deb822.NewReader(strings.NewReader("Package: a\nDescription: one\n two\n\nPackage: b\n"), deb822.Options{})
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %q\n", p.Get("package"), deb822.Unfold(p.Get("Description")))
	}
	// Output:
	// a "one\ntwo"
	// b ""
}
