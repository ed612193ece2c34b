package sign

import (
	"crypto/sha1" //nolint:gosec // the format of the Web Key Directory
	"encoding/base32"
	"net/url"
	"strings"
	"time"
)

// A Key describes an OpenPGP key of a keyring.
type Key struct {
	Subkey
	Users   []UserID // the primary one first
	Subkeys []Subkey
}

// A Subkey describes a key or a subkey.
type Subkey struct {
	Fingerprint string // capitals
	Created     time.Time
	Expires     time.Time // zero: never
	Expired     bool
	Revoked     bool
	Invalid     bool // it lacks a signature of its primary key
}

// A UserID says whose key it is.
type UserID struct {
	Text    string // such as "Name (comment) <address>"
	Name    string
	Comment string
	Email   string
	Revoked bool
	Invalid bool // not signed by the key
}

// Keys describes the keys of the keyring in their order.
func (k *Keyring) Keys() []Key {
	now := k.now()
	keys := make([]Key, 0, len(k.certs))
	for _, c := range k.certs {
		state := c.state(now)
		key := Key{Subkey: Subkey{
			Fingerprint: c.fingerprint(), Created: c.key.CreationTime, Expires: state.expires,
			Expired: past(state.expires, now), Revoked: state.revoked, Invalid: !state.valid,
		}}
		for _, u := range state.users {
			id := UserID{Revoked: u.revoked || state.revoked, Invalid: !u.valid}
			id.Text, id.Name, id.Comment, id.Email = splitUserID(u.id)
			key.Users = append(key.Users, id)
		}
		for _, s := range state.subkeys {
			key.Subkeys = append(key.Subkeys, Subkey{
				Fingerprint: fingerprint(s.key), Created: s.key.CreationTime, Expires: s.expires,
				Expired: past(s.expires, now), Revoked: s.revoked || state.revoked, Invalid: !s.valid,
			})
		}
		keys = append(keys, key)
	}
	return keys
}

// splitUserID takes the parts of "Name (comment) <address>", and replaces what
// cannot be shown.
func splitUserID(id string) (text, name, comment, email string) {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(id, "?"))
	name = text
	if before, after, ok := strings.Cut(name, "<"); ok {
		name = before
		email, _, _ = strings.Cut(after, ">")
	}
	if before, after, ok := strings.Cut(name, "("); ok {
		name = before
		comment, _, _ = strings.Cut(after, ")")
	}
	return text, strings.TrimSpace(name), strings.TrimSpace(comment), strings.TrimSpace(email)
}

// address returns the mail address of the user, which a bare user ID can be.
func (u UserID) address() string {
	if u.Email == "" && u.Comment == "" && !strings.ContainsAny(u.Name, " \t") {
		return u.Name
	}
	return u.Email
}

// UpdateURLs returns where newer versions of the key can be fetched, by the
// advanced and the direct method of the OpenPGP Web Key Directory. They are
// empty if the user ID has no mail address.
func (u UserID) UpdateURLs() (advanced, direct string) {
	local, domain, ok := strings.Cut(u.address(), "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", ""
	}
	sum := sha1.Sum([]byte(asciiLower(local))) //nolint:gosec // the format asks for it
	const zbase32 = "ybndrfg8ejkmcpqxot1uwisza345h769"
	hash := base32.NewEncoding(zbase32).WithPadding(base32.NoPadding).EncodeToString(sum[:])
	tail := "/hu/" + hash + "?l=" + strings.ReplaceAll(url.QueryEscape(local), "+", "%20")
	advanced = "https://openpgpkey." + domain + "/.well-known/openpgpkey/" + asciiLower(domain) + tail
	direct = "https://" + domain + "/.well-known/openpgpkey" + tail
	return advanced, direct
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
