package image

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// guid is a UUID of RFC 9562 in the order of its text form.
type guid [16]byte

func parseGUID(s string) (guid, error) {
	var g guid
	groups := strings.Split(s, "-")
	if len(groups) != 5 || len(groups[0]) != 8 || len(groups[1]) != 4 || len(groups[2]) != 4 || len(groups[3]) != 4 || len(groups[4]) != 12 {
		return g, fmt.Errorf("%q is not a UUID like 01234567-89ab-4cde-8f01-23456789abcd", s)
	}
	if _, err := hex.Decode(g[:], []byte(strings.Join(groups, ""))); err != nil {
		return g, fmt.Errorf("%q is not a UUID: %w", s, err)
	}
	return g, nil
}

// mustGUID is for constants.
func mustGUID(s string) guid {
	g, err := parseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

func newGUID() guid {
	var g guid
	rand.Read(g[:])
	return g.random()
}

// random marks a GUID as made of random bits.
func (g guid) random() guid {
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// derive makes another GUID that is always the same, so that one identifier decides all of a disk.
func (g guid) derive(n byte) guid {
	sum := sha256.Sum256(append(g[:], n))
	return guid(sum[:16]).random()
}

// String returns the text form.
func (g guid) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// disk returns the bytes as a partition table has them, the first three groups in little-endian
// order.
func (g guid) disk() []byte {
	return []byte{g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]}
}
