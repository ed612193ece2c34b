package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdPull() *command {
	c := &pullCommand{retries: -1, lowSpeed: -1, lowSpeedTime: -1, requests: -1}
	return &command{
		name:     "pull",
		operands: "REMOTE [BRANCH...]",
		summary:  "Download data from remote repository",
		flags:    c.flags,
		run:      c.run,
	}
}

type pullCommand struct {
	opts                             ostree.PullOptions
	caches, headers                  []string
	requireDeltas, noDeltas, noRetry bool
	userAgent                        string
	frequency, retries               int
	lowSpeed, lowSpeedTime, requests int
}

func (c *pullCommand) flags(f *flags) {
	o := &c.opts
	f.Bool(&o.CommitOnly, "commit-metadata-only", "", "Fetch only the commit metadata")
	f.String(&o.Fetch.CacheDir, "cache-dir", "", "PATH", "Use custom cache dir")
	f.Bool(&o.NoSync, "disable-fsync", "", "Do not invoke fsync()")
	f.Bool(&o.SyncEach, "per-object-fsync", "", "Perform writes in such a way that avoids stalling concurrent processes")
	f.Bool(&c.noDeltas, "disable-static-deltas", "", "Do not use static deltas")
	f.Bool(&c.requireDeltas, "require-static-deltas", "", "Require static deltas")
	f.Bool(&c.noRetry, "disable-retry-on-network-errors", "", "Do not retry when network issues happen, instead fail automatically")
	f.Bool(&o.Mirror, "mirror", "", "Write refs suitable for a mirror and fetches all refs if none provided")
	f.Strings(&o.Subpaths, "subpath", "", "PATH", "Only pull the provided subpath(s)")
	f.Bool(&o.Untrusted, "untrusted", "", "Verify checksums of local sources (always enabled for HTTP pulls)")
	f.Bool(&o.HTTPTrusted, "http-trusted", "", "Do not verify checksums of HTTP sources (mostly useful when mirroring)")
	f.Bool(&o.BareUserOnlyFiles, "bareuseronly-files", "", "Reject regular files with mode outside of 0775 (world writable, suid, etc.)")
	f.Bool(&o.DryRun, "dry-run", "", "Only print information on what will be downloaded (requires static deltas)")
	f.Int(&o.Depth, "depth", "", "DEPTH", "Traverse DEPTH parents (-1=infinite) (default: 0)")
	f.String(&o.Fetch.URL, "url", "", "URL", "Pull objects from this URL instead of the one from the remote config")
	f.Strings(&c.headers, "http-header", "", "NAME=VALUE", "Add NAME=VALUE as HTTP header to all requests")
	f.Int(&c.frequency, "update-frequency", "", "FREQUENCY", "Sets the update frequency, in milliseconds (0=1000ms) (default: 0)")
	f.Int(&c.retries, "network-retries", "", "N", "Specifies how many times each download should be retried upon error (default: 5)")
	f.Int(&c.lowSpeed, "low-speed-limit-bytes", "", "N", "The average transfer speed per second of a transfer during the time set via 'low-speed-time-seconds' for an abort (default: 1000)")
	f.Int(&c.lowSpeedTime, "low-speed-time-seconds", "", "N", "The time in number seconds that the transfer speed should be below the 'low-speed-limit-bytes' setting for an abort (default: 30)")
	f.Int(&c.requests, "max-outstanding-fetcher-requests", "", "N", "The max amount of concurrent connections allowed. (default: 8)")
	f.Strings(&c.caches, "localcache-repo", "L", "REPO", "Add REPO as local cache source for objects during this pull")
	f.Bool(&o.TimestampCheck, "timestamp-check", "T", "Require fetched commits to have newer timestamps")
	f.String(&o.TimestampCheckFrom, "timestamp-check-from-rev", "", "REV", "Require fetched commits to have newer timestamps than given rev")
	f.Bool(&o.IgnoreBindings, "disable-verify-bindings", "", "Do not verify commit bindings")
	f.String(&c.userAgent, "append-user-agent", "", "TEXT", "Append string to user agent")
	f.Hide("append-user-agent")
}

func (c *pullCommand) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usagef("REMOTE must be specified")
	}
	remote := args[0]
	if err := c.complete(e, args); err != nil {
		return err
	}
	if name, _, ok := strings.Cut(remote, ":"); ok {
		remote = name
	}
	console := newPullConsole(e)
	c.opts.Progress = console.progress
	result, err := repo.Pull(ctx, remote, c.opts)
	console.clear()
	switch {
	case err != nil:
		return err
	case c.opts.DryRun:
		e.println(deltaStatus(result.PullProgress))
	default:
		e.println(pullStatus(result))
	}
	return nil
}

// complete fills in the options that are not what the library has.
func (c *pullCommand) complete(e *env, args []string) error {
	var err error
	refs := args[1:]
	if _, ref, ok := strings.Cut(args[0], ":"); ok {
		refs = []string{ref}
	}
	if c.opts.Refs, err = pullRefs(refs); err != nil {
		return err
	}
	if c.opts.Deltas, err = deltaUse(c.requireDeltas, c.noDeltas); err != nil {
		return err
	}
	if c.opts.DryRun && !c.requireDeltas {
		return errors.New("--dry-run requires --require-static-deltas")
	}
	for _, path := range c.caches {
		cache, err := e.openRepoAt(path)
		if err != nil {
			return err
		}
		c.opts.LocalCaches = append(c.opts.LocalCaches, cache)
	}
	if c.opts.Untrusted {
		c.opts.HTTPTrusted = false
	}
	c.opts.ProgressInterval = time.Duration(c.frequency) * time.Millisecond
	return c.completeFetch(e)
}

func (c *pullCommand) completeFetch(e *env) error {
	o := &c.opts.Fetch
	header, err := parseHeaders(c.headers)
	if err != nil {
		return err
	}
	url := o.URL
	*o = e.fetchOptions(o.CacheDir)
	o.URL, o.Header = url, header
	if c.userAgent != "" {
		o.UserAgent += " " + c.userAgent
	}
	o.Retries = fetchNumber(c.retries)
	if c.noRetry {
		o.Retries = -1
	}
	o.LowSpeed = int64(fetchNumber(c.lowSpeed))
	o.LowSpeedTime = time.Duration(max(c.lowSpeedTime, 0)) * time.Second
	o.MaxRequests = max(c.requests, 0)
	return nil
}

// fetchNumber translates a number of which 0 means none, and -1 that it was not
// given.
func fetchNumber(n int) int {
	switch {
	case n < 0:
		return 0
	case n == 0:
		return -1
	}
	return n
}
