package main

import (
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// fetchMessage returns the peer's text for errors about remotes and what comes
// from them.
func fetchMessage(err error) (string, bool) {
	var scheme *ostree.URLSchemeError
	var list *ostree.MirrorlistError
	var metalink *ostree.MetalinkError
	var fetch *ostree.FetchError
	var noURL *ostree.NoRemoteURLError
	var unconfigured *ostree.UnconfiguredError
	var custom *ostree.CustomBackendError
	var cookie *ostree.CookieNotFoundError
	var missing *ostree.SummaryMissingError
	switch {
	case errors.As(err, &scheme):
		return "Invalid URI scheme in " + scheme.URL, true
	case errors.As(err, &list):
		return mirrorlistMessage(list), true
	case errors.As(err, &metalink):
		return metalinkMessage(metalink), true
	case errors.As(err, &fetch):
		return fmt.Sprintf("While fetching %s: %s", fetch.URL, reasonMessage(fetch)), true
	case errors.As(err, &noURL):
		return fmt.Sprintf("No \"url\" option in remote \"%s\"", noURL.Remote), true
	case errors.As(err, &unconfigured):
		return "remote unconfigured-state: " + unconfigured.State, true
	case errors.As(err, &custom):
		return fmt.Sprintf("Cannot fetch via libostree - remote '%s' uses custom backend '%s'", custom.Remote, custom.Backend), true
	case errors.As(err, &cookie):
		return "Cookie not found in jar", true
	case errors.As(err, &missing):
		return summaryMissingMessage(missing), true
	}
	return "", false
}

// reasonMessage is curl's number and text for what went wrong, because that is
// what the peer prints.
func reasonMessage(e *ostree.FetchError) string {
	switch e.Reason {
	case ostree.FetchStatus:
		return fmt.Sprintf("Server returned HTTP %d", e.Status)
	case ostree.FetchResolve:
		return "[6] Could not resolve hostname"
	case ostree.FetchConnect:
		return "[7] Could not connect to server"
	case ostree.FetchPartial, ostree.FetchChanged:
		return "[18] Transferred a partial file"
	case ostree.FetchTimeout:
		return "[28] Timeout was reached"
	case ostree.FetchTLS:
		return "[35] SSL connect error"
	case ostree.FetchRedirect:
		return "[47] Number of redirects hit maximum amount"
	case ostree.FetchReceive:
		return "[56] Failure when receiving data from the peer"
	case ostree.FetchCertificate:
		return "[60] SSL peer certificate or SSH remote key was not OK"
	case ostree.FetchTooLarge:
		return "[63] exceeded maximum size"
	case ostree.FetchFile:
		return e.Err.Error()
	}
	return e.Err.Error()
}

func mirrorlistMessage(e *ostree.MirrorlistError) string {
	var fetch *ostree.FetchError
	switch {
	case e.Err == nil:
		return fmt.Sprintf("No valid mirrors were found in mirrorlist '%s'", e.URL)
	case errors.As(e.Err, &fetch):
		return fmt.Sprintf("While fetching mirrorlist '%s': %s", e.URL, reasonMessage(fetch))
	default:
		return fmt.Sprintf("While fetching mirrorlist '%s': %v", e.URL, e.Err)
	}
}

func metalinkMessage(e *ostree.MetalinkError) string {
	switch e.Problem {
	case ostree.MetalinkNoRoot:
		return fmt.Sprintf("Error on line %d: Document must begin with an element (e.g. <book>)", e.Line)
	case ostree.MetalinkSyntax:
		return fmt.Sprintf("Error on line %d: %v", e.Line, e.Err)
	case ostree.MetalinkNoFile:
		return fmt.Sprintf("No <file name='%s'> found", e.Want)
	case ostree.MetalinkNoSize, ostree.MetalinkBadSize:
		return "No <size> element found or it is invalid"
	case ostree.MetalinkNoHash:
		return "No <verification> element with known <hash type=> found"
	case ostree.MetalinkBadHash:
		return "Invalid hash digest for " + e.Hash
	case ostree.MetalinkNoURL:
		return "No <url method='http'> elements found"
	case ostree.MetalinkSize:
		return fmt.Sprintf("Expected size is %s bytes but content is %s bytes", e.Want, e.Got)
	case ostree.MetalinkChecksum:
		return fmt.Sprintf("Expected checksum is %s but actual is %s", e.Want, e.Got)
	case ostree.MetalinkManyURLs:
		return e.Error()
	}
	return e.Error()
}

func summaryMissingMessage(e *ostree.SummaryMissingError) string {
	who, key := "Signatures", "sign-verify-summary"
	if e.Engine == sign.GPG {
		who, key = "GPG", "gpg-verify-summary"
	}
	if e.Signatures {
		return fmt.Sprintf("%s verification enabled, but no summary.sig found (use %s=false in remote config to disable)", who, key)
	}
	return who + " verification enabled, but no summary found (check that the configured URL in remote config is correct)"
}
