package txn

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// OriginStatus is what status says of where a deployment comes from, beyond its refspec.
type OriginStatus struct {
	// GPGEnabled says whether commits of the remote are verified; nil where there is no remote.
	GPGEnabled *bool `json:"gpg-enabled,omitempty"`
	// Signatures are those of the base commit; none if it is unsigned or nothing is verified.
	Signatures []SignatureStatus `json:"signatures,omitempty"`
	// RemoteError is why nothing can come from the remote any more.
	RemoteError string `json:"remote-error,omitempty"`
	// CustomOrigin is a URL and a description, of deployments that follow a bare commit.
	CustomOrigin []string `json:"custom-origin,omitempty"`
	// ContainerImage is what is followed instead of a refspec, ContainerDigest the one that the base is of.
	ContainerImage  string `json:"container-image-reference,omitempty"`
	ContainerDigest string `json:"container-image-reference-digest,omitempty"`

	InitramfsArgs []string `json:"initramfs-args,omitempty"`
	InitramfsEtc  []string `json:"initramfs-etc,omitempty"`
	CLIWrap       bool     `json:"cliwrap,omitempty"`
}

// SignatureStatus is one signature of a commit.
type SignatureStatus struct {
	Valid       bool   `json:"valid"`
	Fingerprint string `json:"fingerprint"`
	User        string `json:"user,omitempty"`
	// Text says what is known of it, in lines.
	Text string `json:"text"`
}

// originStatus describes the origin of a deployment whose base commit is given.
func (s *System) originStatus(ctx context.Context, o *origin.Origin, base ostree.Checksum) (OriginStatus, error) {
	out := OriginStatus{
		ContainerImage: o.ContainerImage, CLIWrap: o.CLIWrap, InitramfsArgs: o.InitramfsArgs, InitramfsEtc: o.InitramfsEtc,
	}
	if o.CustomURL != "" || o.CustomDescription != "" {
		out.CustomOrigin = []string{o.CustomURL, o.CustomDescription}
	}
	if o.ContainerImage != "" {
		commit, err := s.Repo().LoadCommit(ctx, base)
		if err != nil {
			return out, err
		}
		out.ContainerDigest = oci.ImageDigest(commit)
		return out, nil
	}
	ref, err := ostree.ParseRefspec(o.Refspec)
	if err != nil || ref.Remote == "" {
		return out, nil //nolint:nilerr // pinned to a checksum, or of this machine
	}
	verification, err := s.Repo().CommitVerification(ref.Remote)
	if err != nil {
		out.RemoteError = err.Error()
		return out, nil //nolint:nilerr // that is what there is to say
	}
	needed := verification.Needed()
	out.GPGEnabled = &needed
	if !needed {
		return out, nil
	}
	keys, err := s.Repo().RemoteKeyring(ref.Remote)
	if err != nil {
		out.RemoteError = err.Error()
		return out, nil //nolint:nilerr // that is what there is to say
	}
	signatures, err := s.Repo().CommitSignatures(ctx, base, keys)
	if err != nil {
		return out, err
	}
	for _, one := range signatures {
		out.Signatures = append(out.Signatures, newSignatureStatus(one))
	}
	return out, nil
}

func newSignatureStatus(s sign.Signature) SignatureStatus {
	user := s.UserName
	if s.UserEmail != "" {
		user = strings.TrimSpace(user + " <" + s.UserEmail + ">")
	}
	return SignatureStatus{Valid: s.Valid(), Fingerprint: s.Fingerprint, User: user, Text: strings.TrimSpace(s.String())}
}

// Document is the status as a JSON value, for queries.
func (s *Status) Document() (any, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var doc any
	return doc, json.Unmarshal(data, &doc)
}
