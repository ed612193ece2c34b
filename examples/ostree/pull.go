package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// pullRefs reads the operands that say what to pull.
func pullRefs(args []string) ([]ostree.PullRef, error) {
	refs := make([]ostree.PullRef, len(args))
	for i, arg := range args {
		var err error
		if refs[i], err = ostree.ParsePullRef(arg); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

func deltaUse(require, disable bool) (ostree.DeltaUse, error) {
	switch {
	case require && disable:
		return 0, errors.New("Cannot specify both --require-static-deltas and --disable-static-deltas")
	case require:
		return ostree.DeltasRequired, nil
	case disable:
		return ostree.DeltasOff, nil
	}
	return ostree.DeltasIfAny, nil
}

// pullStatus is the last line of a pull.
func pullStatus(r *ostree.PullResult) string {
	var b strings.Builder
	switch {
	case r.Local:
		fmt.Fprintf(&b, "%d metadata, %d content objects imported", r.ImportedMetadata, r.ImportedContent)
	case r.DeltaParts > 0:
		fmt.Fprintf(&b, "%d delta parts, %d loose fetched", r.DeltaParts, r.FetchedMetadata+r.FetchedContent)
	default:
		fmt.Fprintf(&b, "%d metadata, %d content objects fetched", r.FetchedMetadata, r.FetchedContent)
	}
	if !r.Local && r.ImportedMetadata+r.ImportedContent > 0 {
		fmt.Fprintf(&b, " (%d meta, %d content local)", r.ImportedMetadata, r.ImportedContent)
	}
	switch n := r.BytesTransferred; {
	case n >= 1024:
		fmt.Fprintf(&b, "; %d KiB transferred in %d seconds", n/1024, r.Elapsed/time.Second)
	case n > 0:
		fmt.Fprintf(&b, "; %d B transferred in %d seconds", n, r.Elapsed/time.Second)
	}
	fmt.Fprintf(&b, "; %s content written", formatSize(uint64(r.ContentBytesWritten)))
	return b.String()
}

// deltaStatus is the line of a dry run.
func deltaStatus(p ostree.PullProgress) string {
	return fmt.Sprintf("Delta update: %d/%d parts, %s/%s, %s total uncompressed",
		p.DeltaParts+p.DeltaFallbacks, p.TotalDeltaParts+p.TotalDeltaFallbacks,
		formatSize(uint64(p.DeltaSize)), formatSize(uint64(p.TotalDeltaSize)), formatSize(uint64(p.TotalDeltaContent)))
}

// parseHeaders reads the values of --http-header.
func parseHeaders(list []string) (http.Header, error) {
	header := http.Header{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, errors.New("Missing '=' in --http-header")
		}
		header.Add(name, value)
	}
	return header, nil
}

// pullMessage returns the peer's texts for the errors of a pull.
func pullMessage(err error) (string, bool) {
	var invalid *ostree.InvalidRefError
	var mode *ostree.FileModeError
	var older *ostree.OlderCommitError
	var noDelta *ostree.NoDeltaError
	var content *ostree.RefContentError
	var unlisted *ostree.SummaryRefError
	var noSummary *ostree.NoSummaryError
	var remoteMode *ostree.RemoteModeError
	var space *ostree.DeltaSpaceError
	var binding *ostree.BindingError
	switch {
	case errors.As(err, &invalid):
		return "Invalid ref name " + invalid.Ref, true
	case errors.As(err, &mode) && mode.Extra != 0:
		return fmt.Sprintf("Content object %s: invalid mode 0%04o with bits 0%04o", mode.File, mode.Mode, mode.Extra), true
	case errors.As(err, &older):
		const layout = "Mon 02 Jan 2006 03:04:05 PM MST"
		return fmt.Sprintf("Upgrade target revision '%s' with timestamp '%s' is chronologically older than current revision '%s' with timestamp '%s'; use --allow-downgrade to permit",
			older.Commit, older.Time.Format(layout), older.Current, older.CurrentTime.Format(layout)), true
	case errors.Is(err, ostree.ErrArchiveDeltas):
		return "Can't use static deltas in an archive repo", true
	case errors.As(err, &noDelta):
		return fmt.Sprintf("Static deltas required, but none found for %s to %s", noDelta.Ref, noDelta.Commit), true
	case errors.As(err, &content):
		text := strings.ReplaceAll(content.Content, "\n", " ")
		return fmt.Sprintf("Fetching checksum for ref (%s, %s): Invalid rev %s", orEmpty(content.Collection), content.Ref, text), true
	case errors.As(err, &unlisted) && unlisted.Collection != "":
		return fmt.Sprintf("No such branch (%s, %s) in repository summary", unlisted.Collection, unlisted.Ref), true
	case errors.As(err, &unlisted):
		return fmt.Sprintf("No such branch '%s' in repository summary", unlisted.Ref), true
	case errors.As(err, &noSummary):
		return "Fetching all refs was requested in mirror mode, but remote repository does not have a summary", true
	case errors.As(err, &remoteMode):
		return fmt.Sprintf("Can't pull from archives with mode \"%s\"", remoteMode.Mode), true
	case errors.As(err, &space):
		return fmt.Sprintf("Delta requires %s free space, but only %s available", formatSize(uint64(space.Needed)), formatSize(uint64(space.Free))), true
	case errors.As(err, &binding):
		return bindingMessage(binding), true
	}
	return "", false
}

func orEmpty(s string) string {
	if s == "" {
		return "(empty)"
	}
	return s
}

func bindingMessage(e *ostree.BindingError) string {
	switch {
	case e.Missing == ostree.MetadataRefBinding:
		return "Expected commit metadata to have ref binding information, found none"
	case e.Missing != "":
		return "Expected commit metadata to have collection ID binding information, found none"
	case e.BoundCollection != "":
		return fmt.Sprintf("Commit has collection ID ‘%s’ in collection binding metadata, while the remote it came from has collection ID ‘%s’",
			e.BoundCollection, e.Collection)
	}
	bound := "no refs"
	if len(e.Bound) > 0 {
		bound = "‘" + strings.Join(e.Bound, "’, ‘") + "’"
	}
	return fmt.Sprintf("Commit has no requested ref ‘%s’ in ref binding metadata (%s)", e.Ref, bound)
}
