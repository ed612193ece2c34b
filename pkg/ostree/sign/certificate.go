package sign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Packet tags, RFC 9580 section 5.
const (
	tagSignature     = 2
	tagSecretKey     = 5
	tagPublicKey     = 6
	tagSecretSubkey  = 7
	tagUserID        = 13
	tagPublicSubkey  = 14
	tagUserAttribute = 17
)

// A certificate is a primary key with all that belongs to it, as it was read:
// what it is worth is decided in [certificate.state]. It does not change.
type certificate struct {
	key     *packet.PublicKey
	direct  []*sigPacket // on the key itself, revocations among them
	users   []*userPacket
	subkeys []*subkeyPacket
}

type userPacket struct {
	raw  *packet.OpaquePacket // a user ID or a user attribute
	sigs []*sigPacket
}

type subkeyPacket struct {
	key  *packet.PublicKey
	sigs []*sigPacket
}

// A sigPacket is parsed when it is needed: most are by other people.
type sigPacket struct{ raw *packet.OpaquePacket }

// parse returns nil if the signature is of a kind that is not understood.
func (s *sigPacket) parse() *packet.Signature {
	p, err := s.raw.Parse()
	sig, ok := p.(*packet.Signature)
	if err != nil || !ok {
		return nil
	}
	return sig
}

// dearmor returns the binary blocks in data, which is either such a block
// itself or text with any number of armoured ones in it.
func dearmor(data []byte) ([][]byte, error) {
	if isKeybox(data) {
		return nil, errors.New("it is a GnuPG keybox; write the keys into a keyring with gpg --export")
	}
	if len(data) == 0 || data[0]&0x80 != 0 {
		return [][]byte{data}, nil
	}
	var blocks [][]byte
	const begin, end = "-----BEGIN PGP ", "-----END PGP "
	for rest := data; ; {
		from := bytes.Index(rest, []byte(begin))
		if from < 0 {
			break
		}
		length := bytes.Index(rest[from:], []byte(end))
		if length < 0 {
			return nil, errors.New("an armoured block has no end")
		}
		to := from + length
		if newline := bytes.IndexByte(rest[to:], '\n'); newline >= 0 {
			to += newline + 1
		} else {
			to = len(rest)
		}
		block, err := decodeArmor(rest[from:to])
		if err != nil {
			return nil, err
		}
		blocks, rest = append(blocks, block), rest[to:]
	}
	if len(blocks) == 0 {
		return nil, errors.New("no OpenPGP data in it")
	}
	return blocks, nil
}

func decodeArmor(text []byte) ([]byte, error) {
	block, err := armor.Decode(io.MultiReader(bytes.NewReader(text), strings.NewReader("\n")))
	if err != nil {
		return nil, fmt.Errorf("armoured block: %w", err)
	}
	data, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, fmt.Errorf("armoured block: %w", err)
	}
	return data, nil
}

func isKeybox(data []byte) bool { return len(data) > 12 && string(data[8:12]) == "KBXf" }

// readCertificates reads binary keys. Revocations before the first key are
// returned as they are.
func readCertificates(data []byte) (certs []*certificate, orphans []*sigPacket, err error) {
	var b certBuilder
	packets := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("not a keyring: %w", err)
		}
		b.add(p)
	}
	return b.certs, b.orphans, nil
}

// certBuilder sorts packets into certificates. sigs is where signatures go that
// follow; nil after something that is not understood.
type certBuilder struct {
	certs   []*certificate
	orphans []*sigPacket
	sigs    *[]*sigPacket
	cert    *certificate
	started bool
}

func (b *certBuilder) add(p *packet.OpaquePacket) {
	switch p.Tag {
	case tagPublicKey, tagSecretKey:
		b.started, b.cert, b.sigs = true, nil, nil
		if key := parsePublic(p); key != nil {
			b.cert = &certificate{key: key}
			b.certs, b.sigs = append(b.certs, b.cert), &b.cert.direct
		}
	case tagUserID, tagUserAttribute:
		if b.sigs = nil; b.cert != nil {
			user := &userPacket{raw: p}
			b.cert.users, b.sigs = append(b.cert.users, user), &user.sigs
		}
	case tagPublicSubkey, tagSecretSubkey:
		b.sigs = nil
		if key := parsePublic(p); b.cert != nil && key != nil {
			subkey := &subkeyPacket{key: key}
			b.cert.subkeys, b.sigs = append(b.cert.subkeys, subkey), &subkey.sigs
		}
	case tagSignature:
		switch {
		case b.sigs != nil:
			*b.sigs = append(*b.sigs, &sigPacket{raw: p})
		case !b.started:
			b.orphans = append(b.orphans, &sigPacket{raw: p})
		}
	}
}

// parsePublic returns nil for a key of a kind that is not understood.
func parsePublic(p *packet.OpaquePacket) *packet.PublicKey {
	parsed, err := p.Parse()
	if err != nil {
		return nil
	}
	switch key := parsed.(type) {
	case *packet.PublicKey:
		return key
	case *packet.PrivateKey:
		return &key.PublicKey
	default:
		return nil
	}
}

func (c *certificate) fingerprint() string { return fingerprint(c.key) }

func fingerprint(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }

func (c *certificate) sameKey(other *certificate) bool {
	return bytes.Equal(c.key.Fingerprint, other.key.Fingerprint)
}

// matches says whether id names the key or one of its subkeys.
func (c *certificate) matches(id string) bool {
	if hex, ok := hexID(id); ok {
		if strings.HasSuffix(c.fingerprint(), hex) || len(hex) == 16 && hex == fmt.Sprintf("%016X", c.key.KeyId) {
			return true
		}
		return slices.ContainsFunc(c.subkeys, func(s *subkeyPacket) bool {
			return strings.HasSuffix(fingerprint(s.key), hex)
		})
	}
	return slices.ContainsFunc(c.users, func(u *userPacket) bool {
		return u.raw.Tag == tagUserID && matchUser(string(u.raw.Contents), id)
	})
}

// hexID accepts the lengths that gpg takes for key IDs and fingerprints.
func hexID(id string) (string, bool) {
	hex := strings.ToUpper(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(id, "0x"), "0X"), "!"))
	hex = strings.ReplaceAll(hex, " ", "")
	if !slices.Contains([]int{8, 16, 40, 64}, len(hex)) || strings.Trim(hex, "0123456789ABCDEF") != "" {
		return "", false
	}
	return hex, true
}

// matchUser knows gpg's "=exact" and "<address>" besides a part of the text.
func matchUser(user, id string) bool {
	if exact, ok := strings.CutPrefix(id, "="); ok {
		return user == exact
	}
	return id != "" && strings.Contains(strings.ToLower(user), strings.ToLower(id))
}

// merged returns a certificate with the packets of both.
func (c *certificate) merged(other *certificate) *certificate {
	if c == other {
		return c
	}
	m := &certificate{key: c.key, direct: mergeSigs(c.direct, other.direct)}
	m.users = slices.Clone(c.users)
	for _, user := range other.users {
		i := slices.IndexFunc(m.users, func(u *userPacket) bool {
			return u.raw.Tag == user.raw.Tag && bytes.Equal(u.raw.Contents, user.raw.Contents)
		})
		if i < 0 {
			m.users = append(m.users, user)
			continue
		}
		m.users[i] = &userPacket{raw: user.raw, sigs: mergeSigs(m.users[i].sigs, user.sigs)}
	}
	m.subkeys = slices.Clone(c.subkeys)
	for _, subkey := range other.subkeys {
		i := slices.IndexFunc(m.subkeys, func(s *subkeyPacket) bool {
			return bytes.Equal(s.key.Fingerprint, subkey.key.Fingerprint)
		})
		if i < 0 {
			m.subkeys = append(m.subkeys, subkey)
			continue
		}
		m.subkeys[i] = &subkeyPacket{key: subkey.key, sigs: mergeSigs(m.subkeys[i].sigs, subkey.sigs)}
	}
	return m
}

func mergeSigs(a, b []*sigPacket) []*sigPacket {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.ContainsFunc(all, func(o *sigPacket) bool { return bytes.Equal(o.raw.Contents, s.raw.Contents) }) {
			all = append(all, s)
		}
	}
	return all
}

func (c *certificate) serialize(w io.Writer) error {
	if err := serializeKey(w, c.key, false, c.direct); err != nil {
		return err
	}
	for _, user := range c.users {
		if err := user.raw.Serialize(w); err != nil {
			return err
		}
		if err := serializeSigs(w, user.sigs); err != nil {
			return err
		}
	}
	for _, subkey := range c.subkeys {
		if err := serializeKey(w, subkey.key, true, subkey.sigs); err != nil {
			return err
		}
	}
	return nil
}

func serializeKey(w io.Writer, key *packet.PublicKey, isSubkey bool, sigs []*sigPacket) error {
	public := *key
	public.IsSubkey = isSubkey
	if err := public.Serialize(w); err != nil {
		return err
	}
	return serializeSigs(w, sigs)
}

func serializeSigs(w io.Writer, sigs []*sigPacket) error {
	for _, s := range sigs {
		if err := s.raw.Serialize(w); err != nil {
			return err
		}
	}
	return nil
}
