package ostree

import (
	"bytes"
	"io"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// What tests in the external package reach into.
var (
	EncodeDirMeta       = encodeDirMeta
	DecodeDirMeta       = decodeDirMeta
	EncodeDirTree       = encodeDirTree
	DecodeDirTree       = decodeDirTree
	EncodeCommit        = encodeCommit
	DecodeCommit        = decodeCommit
	AppendHeader        = appendHeader
	AppendArchiveHeader = appendArchiveHeader
	ReadArchiveHeader   = readArchiveHeader
	DecodeOwnerMode     = decodeOwnerMode
	DecodeDetached      = decodeDetached
)

// ReadSettings reports whether a configuration can be used.
func ReadSettings(data []byte) error {
	f, err := keyfile.Parse(data)
	if err != nil {
		return err
	}
	_, err = readSettings(f)
	return err
}

// ParseVolumes reads a mountinfo file.
var ParseVolumes = parseVolumes

// ReadArchived reads a file object in the form that archives have.
func ReadArchived(r *Repo, data []byte) (FileInfo, []byte, error) {
	in := r.pools.archived(bytes.NewReader(data))
	defer in.release()
	fi, err := in.header(ObjectName{Type: ObjectFile}, fileChecks{content: true})
	if err != nil {
		return fi, nil, err
	}
	content, err := io.ReadAll(in)
	return fi, content, err
}
