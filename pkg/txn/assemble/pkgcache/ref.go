package pkgcache

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// RefPrefix is where the refs of packages are.
const RefPrefix = "apt-ostree/pkg"

// Key names a package among others of the archive.
type Key struct{ Name, Version, Architecture string }

// String returns "name=version:architecture" for messages.
func (k Key) String() string { return k.Name + "=" + k.Version + ":" + k.Architecture }

// Ref is where the commit of a package is found: RefPrefix/NAME/VERSION/ARCH.
func (k Key) Ref() ostree.Refspec {
	return ostree.Refspec{Ref: strings.Join([]string{RefPrefix, encode(k.Name), encode(k.Version), encode(k.Architecture)}, "/")}
}

// encode makes a text fit to be an element of a ref: everything but letters, digits, and dots and
// dashes that are not the first, becomes "_" and two hexadecimal digits. Equal results mean equal
// texts.
func encode(text string) string {
	var b strings.Builder
	for i, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', i > 0 && (c == '.' || c == '-'):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
