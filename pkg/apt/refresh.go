package apt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// verified is a Release file that may be used.
type verified struct {
	release *archive.Release
	digest  string // of the verified text
	fresh   *state // to be remembered once its indexes are there; nil if it was already
}

// refresh returns the release to use: the one of the server, or the last good one if the server has
// nothing newer.
func (c *Client) refresh(ctx context.Context, r source.Release, keys *keyrings) (*verified, error) {
	keyring, err := keys.load(r.Options.SignedBy)
	if err != nil {
		return nil, err
	}
	stored, err := c.states().load(r)
	if err != nil {
		return nil, err
	}
	last, lastErr := c.verify(r, keyring, stored)
	if lastErr != nil {
		// As if it had never been there: the server gets another chance to offer a good one.
		stored, last = nil, nil
	}
	if c.options.Offline {
		return c.offline(r, last, lastErr)
	}
	fresh, err := c.get(ctx, r, stored)
	if err != nil {
		return nil, err
	}
	if fresh == nil {
		return last, c.checkDates(r, last)
	}
	next, err := c.verify(r, keyring, fresh)
	if err != nil {
		return nil, err
	}
	if last != nil && next.release.Date.Before(last.release.Date) {
		c.options.Logger.Info("the mirror is behind, the lists in the cache are newer", "archive", r.String(),
			"cache", last.release.Date.Format(time.RFC3339), "mirror", next.release.Date.Format(time.RFC3339))
		return last, c.checkDates(r, last)
	}
	if err := c.checkDates(r, next); err != nil {
		return nil, err
	}
	if last != nil && !c.options.AllowReleaseInfoChange {
		if err := compareInfo(r, last.release, next.release); err != nil {
			return nil, err
		}
	}
	next.fresh = fresh
	return next, nil
}

func (c *Client) offline(r source.Release, last *verified, err error) (*verified, error) {
	if err != nil {
		return nil, err
	}
	if last == nil {
		return nil, &OfflineError{What: "the list of " + r.String()}
	}
	return last, c.checkDates(r, last)
}

// get fetches InRelease or, where that does not exist, Release and Release.gpg, from the first mirror that
// has them. It returns nil if the server has what is stored.
func (c *Client) get(ctx context.Context, r source.Release, stored *state) (*state, error) {
	bases, err := c.bases(ctx, r.URI, releaseLimits(r, "index")...)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, base := range bases {
		s, err := c.getFrom(ctx, base+r.Dir(), stored)
		if err == nil {
			return s, nil
		}
		if failed = errors.Join(failed, err); ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

func (c *Client) getFrom(ctx context.Context, base string, stored *state) (*state, error) {
	previous := stored.document()
	if stored != nil && stored.Inline == nil {
		previous = nil // it describes another file
	}
	inline, err := c.fetcher.Get(ctx, base+"InRelease", previous)
	if err == nil {
		if inline.NotModified {
			return nil, nil
		}
		return &state{Inline: inline.Data, ETag: inline.ETag, LastModified: inline.LastModified}, nil
	}
	if !isMissing(err) {
		return nil, err
	}
	plain, err := c.fetcher.Get(ctx, base+"Release", nil)
	if isMissing(err) {
		return nil, &ReleaseError{Problem: "there is neither InRelease nor Release at " + redacted(base) +
			": check URI and suite; an archive without them needs one made by apt-ftparchive release"}
	}
	if err != nil {
		return nil, err
	}
	signature, err := c.fetcher.Get(ctx, base+"Release.gpg", nil)
	if isMissing(err) {
		return &state{Plain: plain.Data}, nil
	}
	if err != nil {
		return nil, err
	}
	return &state{Plain: plain.Data, Signature: signature.Data}, nil
}

func isMissing(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.IsMissing()
}

// verify checks the signature of a state and reads it. Nothing is read before.
func (c *Client) verify(r source.Release, keyring *archive.Keyring, s *state) (*verified, error) {
	if s == nil {
		return nil, nil
	}
	text, err := c.verifyText(r, keyring, s)
	if err != nil {
		return nil, err
	}
	release, err := archive.ParseRelease(text)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &verified{release: release, digest: hex.EncodeToString(sum[:])}, nil
}

func (c *Client) verifyText(r source.Release, keyring *archive.Keyring, s *state) ([]byte, error) {
	now := c.options.Clock()
	switch trusted := r.Options.Trusted != nil && *r.Options.Trusted; {
	case s.Inline != nil && trusted:
		return archive.StripSignature(s.Inline)
	case s.Inline != nil:
		return keyring.VerifyInline(s.Inline, now)
	case trusted:
		return s.Plain, nil
	default:
		return s.Plain, keyring.VerifyDetached(s.Plain, s.Signature, now)
	}
}

// checkDates also warns of a release that is not the one the source names.
func (c *Client) checkDates(r source.Release, v *verified) error {
	if !v.release.Is(r.Suite) {
		c.options.Logger.Warn("the archive is of another release than its source says", "archive", r.String(),
			"suite", v.release.Suite, "codename", v.release.Codename)
	}
	return v.release.CheckDates(c.options.Clock(), r.Options)
}

func compareInfo(r source.Release, last, next *archive.Release) error {
	for _, f := range []struct{ name, last, next string }{
		{"Origin", last.Origin, next.Origin}, {"Label", last.Label, next.Label}, {"Codename", last.Codename, next.Codename},
	} {
		if f.last != f.next {
			return &ReleaseInfoError{Archive: r.String(), Field: f.name, Old: f.last, New: f.next}
		}
	}
	return nil
}
