package version_test

import (
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

func ExampleCompare() {
	var versions []version.Version
	for _, text := range []string{"1.0-1", "1:0.9-1", "1.0~rc1-1", "1.0-1+deb12u1"} {
		v, err := version.Parse(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		versions = append(versions, v)
	}
	slices.SortFunc(versions, version.Compare)
	fmt.Println(versions)
	// Output: [1.0~rc1-1 1.0-1 1.0-1+deb12u1 1:0.9-1]
}
