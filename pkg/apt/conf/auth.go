package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/inroot"
)

// Auth holds the credentials of apt_auth.conf(5). It is safe for concurrent use.
type Auth struct {
	machines []machine
}

// machine is an entry: where the credentials are for, and what they are.
type machine struct {
	scheme, host, port, path string
	login, password          string
}

// LoadAuth reads the credentials of the system at root: /etc/apt/auth.conf and then the files of
// /etc/apt/auth.conf.d that end in .conf, sorted by name. Missing files are no error.
func LoadAuth(root string) (*Auth, error) {
	parts, err := inroot.Parts(root, "etc/apt/auth.conf.d", ".conf")
	if err != nil {
		return nil, err
	}
	a := new(Auth)
	for _, file := range append([]string{"etc/apt/auth.conf"}, parts...) {
		data, err := inroot.ReadFile(root, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := a.Parse(data, "/"+file); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Parse adds the entries of a file. file is for messages, which never quote the content.
func (a *Auth) Parse(data []byte, file string) error {
	var words []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			words = append(words, strings.Fields(line)...)
		}
	}
	for i := 0; i+1 < len(words); i += 2 {
		if words[i] != "machine" && len(a.machines) == 0 {
			return fmt.Errorf("%s: expected machine as the first word", file)
		}
		switch words[i] {
		case "machine":
			a.machines = append(a.machines, parseMachine(words[i+1]))
		case "login":
			a.machines[len(a.machines)-1].login = words[i+1]
		case "password":
			a.machines[len(a.machines)-1].password = words[i+1]
		default:
			return fmt.Errorf("%s: word %d is none of machine, login and password", file, i+1)
		}
	}
	if len(words)%2 == 1 {
		return fmt.Errorf("%s: the last word has no value", file)
	}
	return nil
}

// parseMachine reads "[scheme://]host[:port][/path]".
func parseMachine(text string) machine {
	var m machine
	if scheme, rest, found := strings.Cut(text, "://"); found {
		m.scheme, text = strings.ToLower(scheme), rest
	}
	host, rest, found := strings.Cut(text, "/")
	if found {
		m.path = "/" + rest
	}
	m.host = strings.ToLower(host)
	// The colons of an IPv6 address are within brackets.
	if i := strings.LastIndexByte(m.host, ':'); i > strings.LastIndexByte(m.host, ']') {
		m.host, m.port = m.host[:i], m.host[i+1:]
	}
	m.host = strings.Trim(m.host, "[]")
	return m
}

// Authorize adds the credentials of the first entry that fits to a request without any. An entry
// without a scheme fits https only, lest a password travel in the clear.
func (a *Auth) Authorize(r *http.Request) {
	if a == nil || r.URL.User != nil || r.Header.Get("Authorization") != "" {
		return
	}
	for _, m := range a.machines {
		if m.fits(r) {
			r.SetBasicAuth(m.login, m.password)
			return
		}
	}
}

func (m machine) fits(r *http.Request) bool {
	scheme := m.scheme
	if scheme == "" {
		scheme = "https"
	}
	return r.URL.Scheme == scheme && strings.EqualFold(r.URL.Hostname(), m.host) &&
		(m.port == "" || m.port == r.URL.Port()) && strings.HasPrefix(r.URL.Path, m.path)
}
