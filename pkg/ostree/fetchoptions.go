package ostree

import (
	"net/http"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// FetchOptions say how to talk to a remote. The zero value does what the
// configuration of the remote says.
type FetchOptions struct {
	// URL is asked instead of the places that the configuration names. It may
	// begin with "mirrorlist=".
	URL string
	// UserAgent is how we introduce ourselves. Empty means as this package.
	UserAgent string
	// Header holds further fields to send with every request.
	Header http.Header
	// Retries is how often a request is repeated after an error that may be gone
	// next time, such as a broken connection or a busy server. Zero means 5,
	// negative none.
	Retries int
	// MaxRequests is how many transfers run at a time. Zero means 8.
	MaxRequests int
	// LowSpeed is how many bytes per second a transfer must reach within
	// LowSpeedTime. Zero means 1000, negative no limit.
	LowSpeed int64
	// LowSpeedTime is how long a transfer may be slower than LowSpeed. Zero means
	// 30 seconds.
	LowSpeedTime time.Duration
	// CacheDir is a directory for what need not be fetched again if it has not
	// changed. It must exist. Empty means one within the repository.
	CacheDir string
	// StaleCache, if set, is called when a summary from the cache is not what its
	// signature was made for, before another one is fetched. An error ends the
	// fetch. It is for those who want to know, such as tests.
	StaleCache func() error
}

// defaultUserAgent names the package and not its user.
const defaultUserAgent = "apt-ostree"

// A FetchError says that a file could not be fetched: from where, and in which
// way that failed.
type FetchError = fetch.Error

// A FetchReason says in which way fetching failed.
type FetchReason = fetch.Reason

// The reasons why fetching fails.
const (
	FetchStatus      = fetch.ReasonStatus      // the server answered with an error, see FetchError.Status
	FetchResolve     = fetch.ReasonResolve     // the name of the server or proxy has no address
	FetchConnect     = fetch.ReasonConnect     // no connection
	FetchTimeout     = fetch.ReasonTimeout     // nothing came for too long, or too slowly
	FetchTLS         = fetch.ReasonTLS         // no agreement on encryption
	FetchCertificate = fetch.ReasonCertificate // the server is not who it says
	FetchPartial     = fetch.ReasonPartial     // the connection ended within the file
	FetchReceive     = fetch.ReasonReceive     // the connection broke
	FetchTooLarge    = fetch.ReasonTooLarge    // the file is larger than it may be
	FetchRedirect    = fetch.ReasonRedirect    // too many redirects, or to somewhere forbidden
	FetchChanged     = fetch.ReasonChanged     // the file changed while it was read
	FetchFile        = fetch.ReasonFile        // reading a local file failed
)

// A URLSchemeError says that a URL is neither http, https nor file.
type URLSchemeError = fetch.SchemeError

// A MirrorlistError says that a list of mirrors is of no use.
type MirrorlistError = fetch.MirrorlistError

// A MetalinkError says that a metalink is of no use, or that a summary is not
// what the metalink says.
type MetalinkError = fetch.MetalinkError

// A MetalinkProblem says what is wrong with a metalink.
type MetalinkProblem = fetch.MetalinkProblem

// What can be wrong with a metalink.
const (
	MetalinkSyntax   = fetch.MetalinkSyntax   // not XML
	MetalinkNoRoot   = fetch.MetalinkNoRoot   // text before the first element
	MetalinkNoFile   = fetch.MetalinkNoFile   // it does not describe a summary
	MetalinkNoSize   = fetch.MetalinkNoSize   // no size
	MetalinkBadSize  = fetch.MetalinkBadSize  // a size that cannot be
	MetalinkNoHash   = fetch.MetalinkNoHash   // no checksum of a known kind
	MetalinkBadHash  = fetch.MetalinkBadHash  // a checksum that is none
	MetalinkNoURL    = fetch.MetalinkNoURL    // no place to get the summary from
	MetalinkSize     = fetch.MetalinkSize     // the summary has another size
	MetalinkChecksum = fetch.MetalinkChecksum // the summary has another checksum
	MetalinkManyURLs = fetch.MetalinkManyURLs // more places than anybody needs
)
