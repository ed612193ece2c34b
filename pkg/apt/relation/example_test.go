package relation_test

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

func ExampleParseDepends() {
	groups, err := relation.ParseDepends("libc6 (>= 2.36), default-mta | mail-transport-agent")
	if err != nil {
		fmt.Println(err)
		return
	}
	old, err := version.Parse("2.31-13")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range groups {
		fmt.Println(len(g), g)
	}
	fmt.Println(groups[0][0].Satisfied(old))
	// Output:
	// 1 libc6 (>= 2.36)
	// 2 default-mta | mail-transport-agent
	// false
}
