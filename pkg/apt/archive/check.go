package archive

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// maxFuture is how far ahead of the clock a Date may be: Acquire::Max-FutureTime of apt.
const maxFuture = 10 * time.Second

// CheckDates reports a release that has expired or that is not valid yet, as an [*UntrustedError].
// The options of the source may switch the checks off and move the bounds.
func (r *Release) CheckDates(now time.Time, o source.Source) error {
	if o.Trusted != nil && !*o.Trusted {
		return &UntrustedError{Reason: Distrusted, Detail: "its source says \"Trusted: no\"", Remedy: "remove that to use it"}
	}
	if enabled(o.CheckDate) {
		limit := maxFuture
		if o.DateMaxFuture != nil {
			limit = *o.DateMaxFuture
		}
		if ahead := r.Date.Sub(now); ahead > limit {
			return &UntrustedError{
				Reason: Future, Detail: fmt.Sprintf("its release is dated %s, %s in the future", r.Date.Format(time.RFC1123), ahead.Round(time.Second)),
				Remedy: "set the clock, or switch the check off with \"Check-Date: no\"",
			}
		}
	}
	if !enabled(o.CheckValidUntil) {
		return nil
	}
	if until := r.validUntil(o); !until.IsZero() && now.After(until) {
		return &UntrustedError{
			Reason: Expired, Detail: fmt.Sprintf("its release expired on %s, %s ago", until.Format(time.RFC1123), now.Sub(until).Round(time.Second)),
			Remedy: "check the clock, use a mirror that is up to date, or, for an archive that is frozen, switch the check off with \"Check-Valid-Until: no\"",
		}
	}
	return nil
}

// validUntil applies the minimum and maximum of the source; zero means for ever.
func (r *Release) validUntil(o source.Source) time.Time {
	until := r.ValidUntil
	if o.ValidUntilMin != nil && !until.IsZero() {
		if least := r.Date.Add(*o.ValidUntilMin); until.Before(least) {
			until = least
		}
	}
	if o.ValidUntilMax != nil {
		if most := r.Date.Add(*o.ValidUntilMax); until.IsZero() || most.Before(until) {
			until = most
		}
	}
	return until
}

// Is reports whether a suite of a source names the release: it is its suite or codename, perhaps
// with a part like "-updates", or a path to it. A mismatch is worth a warning, no more.
func (r *Release) Is(suite string) bool {
	suite = strings.Trim(suite, "/")
	if suite == "" || suite == "." || r.Suite == "" && r.Codename == "" {
		return true
	}
	for _, name := range []string{r.Suite, r.Codename} {
		if name != "" && (suite == name || path.Base(suite) == name || strings.HasPrefix(suite, name+"/") || suite == strings.TrimSuffix(name, "/updates")) {
			return true
		}
	}
	return false
}

// hasComponent accepts the last element of a component with a prefix, as in "updates/main".
func (r *Release) hasComponent(name string) bool {
	return slices.ContainsFunc(r.Components, func(c string) bool { return c == name || path.Base(c) == path.Base(name) })
}

func enabled(flag *bool) bool { return flag == nil || *flag }
