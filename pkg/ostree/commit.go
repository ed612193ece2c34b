package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A Commit names a tree and describes it.
type Commit struct {
	Metadata  Metadata
	Parent    Checksum  // zero for none
	Subject   string    // may be empty
	Body      string    // may be empty
	Timestamp time.Time // stored in whole seconds
	Tree      TreeID
}

// maxTime bounds seconds from 1970, so that every calculation with times works.
const maxTime = 1 << 60

const commitType = "(a{sv}aya(say)sstayay)"

// encodeCommit serialises a commit object.
func encodeCommit(c Commit) ([]byte, error) {
	if err := checkCommit(c); err != nil {
		return nil, err
	}
	var parent []byte
	if !c.Parent.IsZero() {
		parent = c.Parent[:]
	}
	stamp := binary.LittleEndian.Uint64(binary.BigEndian.AppendUint64(nil, uint64(c.Timestamp.Unix())))
	data := gvariant.Tuple(
		c.Metadata.encode(),
		gvariant.Bytes(parent),
		gvariant.Array("(say)"),
		gvariant.String(c.Subject),
		gvariant.String(c.Body),
		gvariant.Uint64(stamp),
		gvariant.Bytes(c.Tree.Contents[:]),
		gvariant.Bytes(c.Tree.Meta[:]),
	).Data()
	// The metadata are values made by the caller, so look at the result.
	if _, err := gvariant.Parse(commitType, data); err != nil {
		return nil, err
	}
	return data, nil
}

func checkCommit(c Commit) error {
	if c.Tree.Contents.IsZero() || c.Tree.Meta.IsZero() {
		return errors.New("commit without a tree")
	}
	if err := checkText("subject", c.Subject); err != nil {
		return err
	}
	if err := checkText("body", c.Body); err != nil {
		return err
	}
	if s := c.Timestamp.Unix(); s > maxTime || s < -maxTime {
		return fmt.Errorf("timestamp %d is out of range", s)
	}
	return c.Metadata.check()
}

func checkText(what, s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return fmt.Errorf("%s %q is not valid UTF-8 without NUL, which OSTree requires", what, s)
	}
	return nil
}

// decodeCommit reads a commit object.
func decodeCommit(data []byte) (*Commit, error) {
	v, err := gvariant.Parse(commitType, data)
	if err != nil {
		return nil, err
	}
	var c Commit
	metadata, err := v.At(0)
	if err != nil {
		return nil, err
	}
	if c.Metadata, err = decodeMetadata(metadata); err != nil {
		return nil, err
	}
	if c.Parent, err = decodeParent(v); err != nil {
		return nil, err
	}
	if c.Subject, err = stringAt(v, 3); err != nil {
		return nil, err
	}
	if c.Body, err = stringAt(v, 4); err != nil {
		return nil, err
	}
	if c.Timestamp, err = decodeTime(v); err != nil {
		return nil, err
	}
	if c.Tree.Contents, err = checksumAt(v, 6); err != nil {
		return nil, err
	}
	if c.Tree.Meta, err = checksumAt(v, 7); err != nil {
		return nil, err
	}
	return &c, nil
}

func decodeParent(commit gvariant.Value) (Checksum, error) {
	b, err := bytesAt(commit, 1)
	if err != nil || len(b) == 0 {
		return Checksum{}, err
	}
	return checksumAt(commit, 1)
}

func decodeTime(commit gvariant.Value) (time.Time, error) { return bigEndianTime(commit, 5) }
