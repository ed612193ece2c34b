package conf_test

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
)

func ExampleConfig() {
	c := new(conf.Config)
	if err := c.Parse([]byte(`APT { Install-Recommends "no"; NeverAutoRemove { "^linux-"; }; };`), "apt.conf"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Bool("APT::Install-Recommends", true), c.List("APT::NeverAutoRemove"))
	// Output: false [^linux-]
}
