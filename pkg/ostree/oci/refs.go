package oci

import (
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// The prefixes of refs, with those of ostree-rs-ext: what either has imported the
// other finds.
const (
	blobPrefix  = "ostree/container/blob"
	imagePrefix = "ostree/container/image"
)

// blobRef keeps a layer with some digest.
func blobRef(digest string) ostree.Refspec {
	return ostree.Refspec{Ref: blobPrefix + "/" + escapeRef(digest)}
}

// ImageRef is the ref of the commit that was imported from a location.
func ImageRef(l Location) ostree.Refspec {
	return ostree.Refspec{Ref: imagePrefix + "/" + escapeRef(l.String())}
}

// escapeRef makes a ref of any text, by the rules of ostree-rs-ext: an underscore
// is doubled, other characters that a ref cannot have are _HEX_. A slash stays
// only between a letter or digit and something else.
func escapeRef(text string) string {
	var b strings.Builder
	alnum := false
	for i, c := range text {
		previous := alnum
		alnum = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		switch {
		case alnum, c == '-', c == '/' && previous && i < len(text)-1:
			b.WriteRune(c)
		case c == '_':
			b.WriteString("__")
		default:
			fmt.Fprintf(&b, "_%02X_", c)
		}
	}
	return b.String()
}
