package source_test

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

func ExampleFormat() {
	sources, err := source.ParseOneLine([]byte("deb [arch=amd64] http://archive.example/debian stable main\n"), "sources.list")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(source.Format(sources)))
	// Output:
	// Types: deb
	// URIs: http://archive.example/debian
	// Suites: stable
	// Components: main
	// Architectures: amd64
}
