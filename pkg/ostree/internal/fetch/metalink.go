package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// A MetalinkProblem says what is wrong with a metalink or with what it describes.
type MetalinkProblem string

// The problems.
const (
	MetalinkSyntax   MetalinkProblem = "syntax"    // not XML
	MetalinkNoRoot   MetalinkProblem = "no-root"   // text before the first element
	MetalinkNoFile   MetalinkProblem = "no-file"   // no such file in it
	MetalinkNoSize   MetalinkProblem = "no-size"   // the file has no size
	MetalinkBadSize  MetalinkProblem = "bad-size"  // the size is no number, or out of bounds
	MetalinkNoHash   MetalinkProblem = "no-hash"   // no hash of a kind we know
	MetalinkBadHash  MetalinkProblem = "bad-hash"  // a hash of a known kind is not one, see Hash
	MetalinkNoURL    MetalinkProblem = "no-url"    // nowhere to get the file from
	MetalinkSize     MetalinkProblem = "size"      // the file has another size, see Want and Got
	MetalinkChecksum MetalinkProblem = "checksum"  // the file has another checksum, see Want and Got
	MetalinkManyURLs MetalinkProblem = "many-urls" // more than anybody needs
)

// A MetalinkError says that a metalink is of no use, or that a file is not what
// the metalink says.
type MetalinkError struct {
	Problem   MetalinkProblem
	Hash      string // name, such as "sha512"
	Want, Got string // sizes or checksums
	Line      int    // of the document, from 1; 0 if not known
	Err       error
}

// Error implements error.
func (e *MetalinkError) Error() string {
	switch e.Problem {
	case MetalinkSyntax:
		return fmt.Sprintf("metalink, line %d: %v", e.Line, e.Err)
	case MetalinkNoRoot:
		return fmt.Sprintf("metalink, line %d: text before the first element", e.Line)
	case MetalinkNoFile:
		return fmt.Sprintf("metalink: it does not describe a file named %q", e.Want)
	case MetalinkNoSize:
		return "metalink: the file has no size"
	case MetalinkBadSize:
		return fmt.Sprintf("metalink: %q is not a size that the file can have", e.Got)
	case MetalinkNoHash:
		return "metalink: there is neither a sha256 nor a sha512 of the file"
	case MetalinkBadHash:
		return fmt.Sprintf("metalink: %q is not a %s checksum", e.Got, e.Hash)
	case MetalinkNoURL:
		return "metalink: there is no http or https URL of the file"
	case MetalinkManyURLs:
		return "metalink: there are too many URLs of the file"
	case MetalinkSize:
		return fmt.Sprintf("metalink: the file should have %s bytes and has %s", e.Want, e.Got)
	case MetalinkChecksum:
		return fmt.Sprintf("metalink: the file's %s should be %s and is %s", e.Hash, e.Want, e.Got)
	}
	return "metalink: " + string(e.Problem)
}

// Unwrap returns the cause.
func (e *MetalinkError) Unwrap() error { return e.Err }

// A Metalink describes a file and says where to get it, see metalinker.org.
type Metalink struct {
	Size   int64
	SHA256 string // hexadecimal; empty if not known
	SHA512 string
	URLs   []*url.URL // of the file, in the order of the document
}

const (
	maxMetalink      = 1 << 20
	maxMetalinkURLs  = 1000
	maxMetalinkDepth = 100
	maxDescribed     = 128 << 20 // bytes of the described file
)

// ParseMetalink reads what a document says about the file of that name. Errors
// are [*MetalinkError].
func ParseMetalink(data []byte, name string) (*Metalink, error) {
	p := metalinkParser{decoder: xml.NewDecoder(bytes.NewReader(data)), name: name}
	if err := p.run(); err != nil {
		return nil, err
	}
	if !p.found {
		return nil, &MetalinkError{Problem: MetalinkNoFile, Want: name}
	}
	return p.result()
}

// A metalinkParser walks over the elements metalink/files/file/….
type metalinkParser struct {
	decoder *xml.Decoder
	name    string
	path    []string // open elements
	root    bool     // there was an element
	found   bool     // the file
	inside  bool     // of the file
	kind    string   // of the hash or URL at hand
	text    strings.Builder

	size, sha256, sha512 *string
	urls                 []*url.URL
}

func (p *metalinkParser) run() error {
	for {
		token, err := p.decoder.RawToken()
		if errors.Is(err, io.EOF) && len(p.path) == 0 && p.root {
			return nil
		}
		if errors.Is(err, io.EOF) && !p.root {
			return p.problem(MetalinkNoRoot, nil)
		}
		if err != nil {
			return p.problem(MetalinkSyntax, err)
		}
		if err := p.token(token); err != nil {
			return err
		}
	}
}

func (p *metalinkParser) problem(problem MetalinkProblem, err error) error {
	line, _ := p.decoder.InputPos()
	return &MetalinkError{Problem: problem, Line: line, Err: err}
}

func (p *metalinkParser) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		if len(p.path) == maxMetalinkDepth {
			return p.problem(MetalinkSyntax, errors.New("elements are nested too deep"))
		}
		p.root = true
		p.path = append(p.path, token.Name.Local)
		p.text.Reset()
		p.begin(token)
	case xml.EndElement:
		if len(p.path) == 0 || p.path[len(p.path)-1] != token.Name.Local {
			return p.problem(MetalinkSyntax, fmt.Errorf("end of %s, which is not open", token.Name.Local))
		}
		err := p.end(strings.TrimSpace(p.text.String()))
		p.path = p.path[:len(p.path)-1]
		return err
	case xml.CharData:
		if len(p.path) == 0 && len(bytes.TrimSpace(token)) > 0 {
			return p.problem(MetalinkNoRoot, nil)
		}
		p.text.Write(token)
	}
	return nil
}

func (p *metalinkParser) at(path string) bool { return strings.Join(p.path, "/") == path }

const metalinkFile = "metalink/files/file"

func (p *metalinkParser) begin(e xml.StartElement) {
	switch {
	case p.at(metalinkFile):
		// The first one of that name counts.
		p.inside = !p.found && attribute(e, "name") == p.name
		p.found = p.found || p.inside
	case p.at(metalinkFile + "/verification/hash"):
		p.kind = attribute(e, "type")
	case p.at(metalinkFile + "/resources/url"):
		p.kind = attribute(e, "protocol")
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *metalinkParser) end(text string) error {
	if !p.inside {
		return nil
	}
	switch {
	case p.at(metalinkFile):
		p.inside = false
	case p.at(metalinkFile + "/size"):
		p.size = &text
	case p.at(metalinkFile+"/verification/hash") && p.kind == "sha256":
		p.sha256 = &text
	case p.at(metalinkFile+"/verification/hash") && p.kind == "sha512":
		p.sha512 = &text
	case p.at(metalinkFile+"/resources/url") && (p.kind == "http" || p.kind == "https"):
		return p.url(text)
	}
	return nil
}

// url takes the URLs that end in the file's name: the rest of the repository is
// looked for next to it.
func (p *metalinkParser) url(text string) error {
	u, err := ParseURL(text)
	if err != nil || u.Scheme == "file" || !strings.HasSuffix(u.Path, "/"+p.name) {
		// What this program cannot use may be meant for another one.
		return nil //nolint:nilerr // see above
	}
	if len(p.urls) == maxMetalinkURLs {
		return &MetalinkError{Problem: MetalinkManyURLs}
	}
	p.urls = append(p.urls, u)
	return nil
}

func (p *metalinkParser) result() (*Metalink, error) {
	m := &Metalink{URLs: p.urls}
	if p.size == nil {
		return nil, &MetalinkError{Problem: MetalinkNoSize}
	}
	var err error
	if m.Size, err = strconv.ParseInt(*p.size, 10, 64); err != nil || m.Size < 0 || m.Size > maxDescribed {
		return nil, &MetalinkError{Problem: MetalinkBadSize, Got: *p.size}
	}
	for _, h := range []struct {
		name string
		text *string
		size int
		to   *string
	}{{"sha256", p.sha256, sha256.Size, &m.SHA256}, {"sha512", p.sha512, sha512.Size, &m.SHA512}} {
		if h.text == nil {
			continue
		}
		*h.to = strings.ToLower(*h.text)
		if raw, err := hex.DecodeString(*h.to); err != nil || len(raw) != h.size {
			return nil, &MetalinkError{Problem: MetalinkBadHash, Hash: h.name, Got: *h.text}
		}
	}
	if m.SHA256 == "" && m.SHA512 == "" {
		return nil, &MetalinkError{Problem: MetalinkNoHash}
	}
	if len(m.URLs) == 0 {
		return nil, &MetalinkError{Problem: MetalinkNoURL}
	}
	return m, nil
}

// Verify says whether data is the file.
func (m *Metalink) Verify(data []byte) error {
	if int64(len(data)) != m.Size {
		return &MetalinkError{Problem: MetalinkSize, Want: strconv.FormatInt(m.Size, 10), Got: strconv.Itoa(len(data))}
	}
	if sum := sha512.Sum512(data); m.SHA512 != "" && hex.EncodeToString(sum[:]) != m.SHA512 {
		return &MetalinkError{Problem: MetalinkChecksum, Hash: "sha512", Want: m.SHA512, Got: hex.EncodeToString(sum[:])}
	}
	if sum := sha256.Sum256(data); m.SHA256 != "" && hex.EncodeToString(sum[:]) != m.SHA256 {
		return &MetalinkError{Problem: MetalinkChecksum, Hash: "sha256", Want: m.SHA256, Got: hex.EncodeToString(sum[:])}
	}
	return nil
}

// Metalink fetches a metalink and the file of that name which it describes. It
// returns the file and the place that it came from, with the others as mirrors.
func (c *Client) Metalink(ctx context.Context, at *url.URL, name string) ([]byte, *Target, error) {
	doc, _, err := c.NewTarget(at).ReadAll(ctx, "", GetOptions{MaxSize: maxMetalink})
	if err != nil {
		return nil, nil, err
	}
	m, err := ParseMetalink(doc, name)
	if err != nil {
		return nil, nil, err
	}
	for i, u := range m.URLs {
		var data []byte
		// One byte more, to tell a file that is too long by its size.
		if data, _, err = c.NewTarget(u).ReadAll(ctx, "", GetOptions{MaxSize: maxDescribed}); err == nil {
			err = m.Verify(data)
		}
		if err == nil {
			return data, c.NewTarget(parents(m.URLs[i:], name)...), nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	return nil, nil, err
}

// parents cuts the name of the file off the URLs.
func parents(urls []*url.URL, name string) []*url.URL {
	bases := make([]*url.URL, len(urls))
	for i, u := range urls {
		b := *u
		b.Path = strings.TrimSuffix(u.Path, "/"+name)
		b.RawPath = ""
		bases[i] = &b
	}
	return bases
}
