package selinux_test

import (
	"fmt"
	"log"
	"testing/fstest"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

func ExampleRead() {
	root := fstest.MapFS{
		"etc/selinux/config": {Data: []byte("SELINUX=enforcing\nSELINUXTYPE=mine\n")},
		"etc/selinux/mine/contexts/files/file_contexts": {Data: []byte(`
/.*               system_u:object_r:default_t:s0
/etc(/.*)?        system_u:object_r:etc_t:s0
/etc/shadow  --   system_u:object_r:shadow_t:s0
`)},
	}
	policy, err := selinux.Read(root)
	if err != nil {
		log.Fatal(err)
	}
	const regular, directory = 0o100000, 0o040000
	for path, mode := range map[string]uint32{"/etc/shadow": regular, "/etc": directory} {
		label, err := policy.Label(path, mode)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(path, label)
	}
	// Unordered output:
	// /etc/shadow system_u:object_r:shadow_t:s0
	// /etc system_u:object_r:etc_t:s0
}
