package debstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
)

// Parse makes a package of the control paragraph of a .deb.
func Parse(paragraph []byte) (*apt.Package, error) {
	p, err := deb822.NewReader(bytes.NewReader(paragraph), deb822.Options{}).Next()
	if err != nil {
		return nil, err
	}
	return apt.ParsePackage(p)
}

// Read describes a .deb: by its control paragraph, its size and its SHA-256.
func Read(f *os.File) (*apt.Package, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return nil, err
	}
	reader, err := deb.NewReader(f, size, deb.Options{})
	if err != nil {
		return nil, err
	}
	control, err := reader.Control()
	if err != nil {
		return nil, err
	}
	p, err := Parse(control.Paragraph())
	if err != nil {
		return nil, fmt.Errorf("control paragraph: %w", err)
	}
	p.Size, p.SHA256 = size, hex.EncodeToString(hash.Sum(nil))
	return p, nil
}
