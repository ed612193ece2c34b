package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/test/peer"
)

// The requests of the rows about solving, on top of a minimal Debian.
var (
	smallRequests = []string{
		"hostname", "vim", "git", "build-essential", "openssh-server", "nginx", "postgresql", "python3-pip", "curl wget", "emacs-nox",
		"docker.io", "nodejs npm", "golang", "rustc cargo", "tmux htop", "mariadb-server", "php-fpm", "redis", "ffmpeg", "qemu-system-x86",
	}
	desktopRequests = []string{
		"gnome", "kde-full", "xfce4", "lxqt", "cinnamon", "mate-desktop-environment", "task-gnome-desktop", "task-kde-desktop", "libreoffice",
		"gimp inkscape", "firefox-esr thunderbird", "texlive-full", "education-desktop-gnome", "blender", "steam-devices retroarch",
	}
	conflictingRequests = []string{
		"exim4 postfix", "postfix nullmailer", "nullmailer", "sendmail", "ifupdown-", "vim nano-", "openrc", "pipewire-audio pulseaudio",
		"libcurl4-gnutls-dev libcurl4-openssl-dev", "systemd-", "tlp power-profiles-daemon", "mariadb-server default-mysql-server-core",
		"gnome xfce4 kde-plasma-desktop", "libssl-dev libssl1.1", "python3-",
	}
)

// benchApt measures what reads package lists: a search, one package, and solving.
func benchApt(ctx context.Context, opts options, work string) error {
	const search, show = "search in the lists of Debian 12 / `apt-cache search`", "one package of these lists / `apt-cache show`"
	names := []string{search, show}
	for _, kind := range solvingRows() {
		names = append(names, kind.name(aptGet), kind.name(aptGet3))
	}
	if !slices.ContainsFunc(names, opts.only.MatchString) {
		return nil
	}
	p, err := newAptPair(ctx, opts, work)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		name         string
		ours, theirs []string
	}{
		{search, []string{"search", "nginx"}, []string{"apt-cache", "search", "nginx"}},
		{show, []string{"show", "nginx"}, []string{"apt-cache", "show", "nginx"}},
	} {
		if !opts.only.MatchString(r.name) {
			continue
		}
		a, b, err := p.take(ctx, opts.runs*5, r.ours, r.theirs)
		if err != nil {
			return err
		}
		printRow(r.name, a, b)
	}
	if err := p.benchSolving(ctx, opts, aptGet, []string{"apt-get"}); err != nil {
		return err
	}
	if !slices.ContainsFunc(solvingRows(), func(r solvingRow) bool { return opts.only.MatchString(r.name(aptGet3)) }) {
		return nil
	}
	apt3, err := p.unpackApt3(ctx, opts.cache, filepath.Join(work, "apt3"))
	if err != nil {
		return err
	}
	return p.benchSolving(ctx, opts, aptGet3, apt3)
}

// unpackApt3 unpacks Debian 13's APT and returns the beginning of its command lines. It has the peer's
// configuration and lists, and a cache of its own, which is filled.
func (p *aptPair) unpackApt3(ctx context.Context, cache, root string) ([]string, error) {
	tar, err := peer.RootTar(ctx, cache, "trixie", "apt")
	if err != nil {
		return nil, err
	}
	if err := peer.Unpack(ctx, tar, root); err != nil {
		return nil, err
	}
	apt := []string{
		"bwrap", "--bind", root, "/", "--bind", p.peer.Dir, p.peer.Dir, "--dev", "/dev", "--proc", "/proc",
		"apt-get", "--option", "APT::Solver=3.0", "--option", "Dir::Cache=/var/cache/apt", "--option", "APT::Get::Upgrade-By-Source-Package=false",
	}
	_, err = measure(ctx, "", slices.Concat([]string{"env", "APT_CONFIG=" + filepath.Join(p.peer.Dir, "apt.conf")}, apt, []string{"check"})...)
	return apt, err
}

// aptPair is both sides with the same lists and the same installed packages.
type aptPair struct {
	self, cache, status string
	peer                *peer.Apt
}

func newAptPair(ctx context.Context, opts options, work string) (*aptPair, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &aptPair{self: self, cache: filepath.Join(opts.cache, "apt"), status: filepath.Join(work, "apt", "status")}
	if p.peer, err = peer.NewApt(ctx, filepath.Join(work, "apt"), "bookworm"); err != nil {
		return nil, err
	}
	if err := command(ctx, self, aptCommand, "minimal", p.cache, p.status); err != nil {
		return nil, err
	}
	return p, p.peer.Check(ctx) // which also leaves the peer's cache of its lists
}

// take lets both sides take turns.
func (p *aptPair) take(ctx context.Context, runs int, ours, theirs []string) (a, b []sample, err error) {
	ours = append([]string{p.self, aptCommand, ours[0], p.cache, p.status}, ours[1:]...)
	for i := range runs {
		for side := range 2 {
			if (side+i)%2 == 0 {
				s, err := measure(ctx, "", append([]string{"env", "APT_CONFIG="}, ours...)...)
				if err != nil {
					return nil, nil, err
				}
				a = append(a, s)
				continue
			}
			s, err := measure(ctx, "", append([]string{"env", "APT_CONFIG=" + filepath.Join(p.peer.Dir, "apt.conf")}, theirs...)...)
			if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() == 100 {
				err = nil // there is no solution
			}
			if err != nil {
				return nil, nil, err
			}
			b = append(b, s)
		}
	}
	return a, b, nil
}

// solvingRow are requests of one kind.
type solvingRow struct {
	kind     string
	requests []string
}

func solvingRows() []solvingRow {
	return []solvingRow{{"small", smallRequests}, {"desktop", desktopRequests}, {"conflicting", conflictingRequests}}
}

// The peers of the rows about solving.
const (
	aptGet  = "`apt-get -s install`"
	aptGet3 = "`apt-get -s install` of Debian 13 with its solver"
)

func (r solvingRow) name(theirs string) string {
	return fmt.Sprintf("solving %d %s requests to Debian 12 / %s", len(r.requests), r.kind, theirs)
}

// solved is one request that both sides have solved.
type solved struct {
	name         string
	ours, theirs []sample
}

func (s solved) ratio() float64 { return seconds(s.theirs) / seconds(s.ours) }

// benchSolving prints a row for each kind of request, and the requests that stand out among all of them.
func (p *aptPair) benchSolving(ctx context.Context, opts options, name string, apt []string) error {
	var all []solved
	for _, row := range solvingRows() {
		if !opts.only.MatchString(row.name(name)) {
			continue
		}
		var ours, theirs []sample
		for _, request := range row.requests {
			words := strings.Fields(request)
			a, b, err := p.take(ctx, opts.runs, append([]string{"solve"}, words...), slices.Concat(apt, []string{"-s", "install"}, words))
			if err != nil {
				return err
			}
			all = append(all, solved{request, a, b})
			ours, theirs = append(ours, a...), append(theirs, b...)
		}
		printRow(row.name(name), ours, theirs)
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b solved) int { return int(1000 * (a.ratio() - b.ratio())) })
	least, middle := all[0], all[len(all)/2]
	slowest := slices.MaxFunc(all, func(a, b solved) int { return int(1e6 * (seconds(a.ours) - seconds(b.ours))) })
	printRow("of these, the request with the median ratio: "+middle.name, middle.ours, middle.theirs)
	printRow("of these, the request with the least ratio: "+least.name, least.ours, least.theirs)
	printRow("of these, our slowest request: "+slowest.name, slowest.ours, slowest.theirs)
	return nil
}
