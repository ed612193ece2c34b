package archive

import (
	"bytes"
	"strings"
)

const (
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
)

// clearSigned is a message in the cleartext signature framework, RFC 9580 section 7.
type clearSigned struct {
	body       string   // what was signed, with newlines
	signatures []string // armoured blocks
}

// splitClearSigned takes a clear-signed file apart. It accepts exactly one message that starts with
// the first byte, and nothing but signatures behind it: whoever reads a Release file must see what
// was signed and not a byte more.
func splitClearSigned(data []byte) (*clearSigned, error) {
	lines := strings.Split(strings.TrimRight(string(data), "\r\n"), "\n")
	for i := range lines {
		// Blanks at the end of a line are not signed, so they are not read either.
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	if lines[0] != beginMessage {
		if bytes.Contains(data, []byte(beginMessage)) {
			return nil, malformed("there is text before the signed message")
		}
		return nil, &UntrustedError{Reason: Unsigned, Detail: "it is not signed", Remedy: unsignedRemedy}
	}
	at := 1
	for ; at < len(lines) && lines[at] != ""; at++ {
		if !strings.HasPrefix(lines[at], "Hash: ") {
			return nil, malformed("unexpected header in the signed message")
		}
	}
	if at == len(lines) {
		return nil, malformed("the signed message has no text")
	}
	var body strings.Builder
	body.Grow(len(data))
	for at++; at < len(lines) && lines[at] != beginSignature; at++ {
		line := lines[at]
		if strings.HasPrefix(line, "-") {
			escaped, ok := strings.CutPrefix(line, "- ")
			if !ok && line != "-" {
				return nil, malformed("a line of the signed message starts with an unescaped dash")
			}
			line = escaped
			if !ok {
				line = ""
			}
		}
		body.WriteString(line)
		body.WriteByte('\n')
	}
	m := &clearSigned{body: body.String()}
	for at < len(lines) {
		block, next, err := takeSignature(lines, at)
		if err != nil {
			return nil, err
		}
		m.signatures = append(m.signatures, block)
		at = next
	}
	if len(m.signatures) == 0 {
		return nil, malformed("the signed message has no signature")
	}
	return m, nil
}

// takeSignature returns the armoured block that starts at a line, and the line after it.
func takeSignature(lines []string, at int) (block string, next int, err error) {
	if lines[at] != beginSignature {
		return "", 0, malformed("there is text after the signed message")
	}
	for end := at + 1; end < len(lines); end++ {
		if lines[end] == endSignature {
			return strings.Join(lines[at:end+1], "\n") + "\n", end + 1, nil
		}
	}
	return "", 0, malformed("a signature has no end")
}

// splitSignatures takes a detached signature file apart: one or more armoured blocks, or nil if it
// is binary.
func splitSignatures(data []byte) ([]string, error) {
	if !bytes.HasPrefix(data, []byte("-----")) {
		return nil, nil
	}
	lines := strings.Split(strings.TrimRight(string(data), "\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	var blocks []string
	for at := 0; at < len(lines); {
		block, next, err := takeSignature(lines, at)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
		at = next
	}
	return blocks, nil
}

func malformed(detail string) error {
	return &UntrustedError{Reason: BadSignature, Detail: detail, Remedy: "the file was damaged or tampered with: try again later or use another mirror"}
}
