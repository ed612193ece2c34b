package dpkg_test

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

func ExampleDiff() {
	read := func(version string) []dpkg.Entry {
		entries, err := dpkg.ReadStatus(strings.NewReader("Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n"))
		if err != nil {
			fmt.Println(err)
		}
		return entries
	}
	changes := dpkg.Diff(dpkg.Installed(read("2.10-2")), dpkg.Installed(read("2.10-3")))
	for _, c := range changes.Upgraded {
		fmt.Println(c.From.Name, c.From.Version, "->", c.To.Version)
	}
	// Output:
	// hello 2.10-2 -> 2.10-3
}
