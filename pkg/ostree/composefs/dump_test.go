package composefs_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// parseDump reads a tree in the text form of composefs-dump(5), without hard links
// and inline content.
func parseDump(r io.Reader) (*composefs.Node, error) {
	nodes := map[string]*composefs.Node{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), " ")
		name := unescape(fields[0])
		node := &composefs.Node{Name: path.Base(name), Payload: optional(fields[8])}
		var size uint64
		_, err := fmt.Sscanf(strings.Join(fields[1:8], " "), "%d %o %d %d %d %d %d.%d",
			&size, &node.Mode, new(int), &node.UID, &node.GID, &node.Rdev, &node.MTime, &node.MTimeNS)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lines.Text(), err)
		}
		if node.Mode>>12 == 8 {
			node.Size = size
		}
		if fields[10] != "-" {
			sum, err := hex.DecodeString(fields[10])
			if err != nil {
				return nil, err
			}
			node.Digest = new(composefs.Digest(sum))
		}
		for _, x := range fields[11:] {
			key, value, _ := strings.Cut(x, "=")
			node.Xattrs = append(node.Xattrs, composefs.Xattr{Name: unescape(key), Value: []byte(unescape(value))})
		}
		nodes[name] = node
		if parent := nodes[path.Dir(name)]; name != "/" {
			parent.Children = append(parent.Children, node)
		}
	}
	return nodes["/"], lines.Err()
}

func optional(field string) string {
	if field == "-" {
		return ""
	}
	return unescape(field)
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
