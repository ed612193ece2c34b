package source

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// setOption stores an option by its deb822 name in lower case. It returns false for a name that is
// not known.
func setOption(s *Source, name string, values []string) (bool, error) {
	var err error
	one := strings.Join(values, " ")
	switch name {
	case "types":
		s.Types = values
	case "uris":
		s.URIs = values
	case "suites":
		s.Suites = values
	case "components":
		s.Components = values
	case "architectures":
		s.Architectures = values
	case "architectures-add":
		s.ArchitecturesAdd = values
	case "architectures-remove":
		s.ArchitecturesRemove = values
	case "signed-by":
		s.SignedBy, err = parseSignedBy(values)
	case "trusted":
		s.Trusted, err = parseBool(one)
	case "check-valid-until":
		s.CheckValidUntil, err = parseBool(one)
	case "check-date":
		s.CheckDate, err = parseBool(one)
	case "valid-until-min":
		s.ValidUntilMin, err = parseSeconds(one)
	case "valid-until-max":
		s.ValidUntilMax, err = parseSeconds(one)
	case "date-max-future":
		s.DateMaxFuture, err = parseSeconds(one)
	case "allow-insecure":
		s.AllowInsecure, err = parseBool(one)
	case "allow-weak":
		s.AllowWeak, err = parseBool(one)
	case "allow-downgrade-to-insecure":
		s.AllowDowngradeToInsecure, err = parseBool(one)
	case "by-hash":
		s.ByHash, err = parseByHash(one)
	case "include":
		s.Include = values
	case "exclude":
		s.Exclude = values
	case "snapshot":
		s.Snapshot = one
	case "enabled":
		var enabled *bool
		enabled, err = parseBool(one)
		s.Disabled = enabled != nil && !*enabled
	case "languages", "languages-add", "languages-remove", "targets", "targets-add", "targets-remove", "pdiffs",
		"x-repolib-name", "description", "name":
		// They choose indexes that are not read here, or are for people. Nothing depends on them.
	default:
		return false, nil
	}
	return true, err
}

// ParseBool understands the words for yes and no that apt does.
func ParseBool(value string) (result, ok bool) {
	switch strings.ToLower(value) {
	case "yes", "true", "with", "on", "enable", "1":
		return true, true
	case "no", "false", "without", "off", "disable", "0":
		return false, true
	default:
		return false, false
	}
}

func parseBool(value string) (*bool, error) {
	b, ok := ParseBool(value)
	if !ok {
		return nil, fmt.Errorf("%q is neither yes nor no", value)
	}
	return &b, nil
}

func parseSeconds(value string) (*time.Duration, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%q is not a number of seconds", value)
	}
	d := time.Duration(n) * time.Second
	return &d, nil
}

func parseByHash(value string) (ByHash, error) {
	if strings.EqualFold(value, string(ByHashForce)) {
		return ByHashForce, nil
	}
	b, ok := ParseBool(value)
	switch {
	case !ok:
		return "", fmt.Errorf("%q is none of yes, no, force", value)
	case b:
		return ByHashYes, nil
	default:
		return ByHashNo, nil
	}
}

// parseSignedBy sorts paths and fingerprints.
func parseSignedBy(values []string) (SignedBy, error) {
	var s SignedBy
	for _, v := range values {
		if strings.HasPrefix(v, "/") {
			s.Keyrings = append(s.Keyrings, v)
			continue
		}
		fingerprint, exact := strings.CutSuffix(strings.ToUpper(v), "!")
		if !isFingerprint(fingerprint) {
			return SignedBy{}, fmt.Errorf("%q is neither an absolute path nor a fingerprint of 40 or 64 hexadecimal digits", v)
		}
		if exact {
			fingerprint += "!"
		}
		s.Fingerprints = append(s.Fingerprints, fingerprint)
	}
	return s, nil
}

func isFingerprint(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// splitList splits at commas and blanks, as both formats allow for keys and architectures.
func splitList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool {
		return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r'
	})
}
