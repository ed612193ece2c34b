package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// importedPackages is how many packages the row about imports has.
const importedPackages = 250

// importRequest is what these packages are of, with what it needs.
var importRequest = []string{"nginx", "git", "openssh-server", "build-essential", "python3-pip", "postgresql", "vim", "php-fpm", "mariadb-server", "docker.io"}

// benchArchive measures what reads whole archives: a refresh, and importing packages.
func benchArchive(ctx context.Context, opts options, work string) error {
	const refresh = "refresh from a local archive of Debian 12 main, from nothing / `apt-get update`"
	if opts.only.MatchString(refresh) {
		if err := benchRefresh(ctx, opts, filepath.Join(work, "refresh"), refresh); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("import of %d .debs into the package cache / `dpkg-deb -x` of each", importedPackages)
	if !opts.only.MatchString(name) {
		return nil
	}
	return benchImport(ctx, opts, filepath.Join(work, "import"), name)
}

func benchRefresh(ctx context.Context, opts options, work, name string) error {
	local, err := localMain(ctx, filepath.Join(work, "archive"))
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	sources := filepath.Join(work, "local.sources")
	if err := os.WriteFile(sources, source.Format([]source.Source{local}), 0o644); err != nil {
		return err
	}
	theirs, err := peer.NewAptOffline(ctx, filepath.Join(work, "apt"), []source.Source{local})
	if err != nil {
		return err
	}
	update := []string{"env", "APT_CONFIG=" + filepath.Join(theirs.Dir, "apt.conf"), "sh", "-c", "apt-get update >/dev/null"}
	var a, b []sample
	for i := range opts.runs {
		for side := range 2 {
			if (side+i)%2 == 0 {
				s, err := measure(ctx, "", self, aptCommand, "refresh", filepath.Join(work, fmt.Sprint("cache", i)), sources)
				if err != nil {
					return err
				}
				a = append(a, s)
				continue
			}
			for _, sub := range []string{"state/lists", "cache"} {
				if err := os.RemoveAll(filepath.Join(theirs.Dir, sub)); err != nil {
					return err
				}
			}
			err := errors.Join(os.MkdirAll(filepath.Join(theirs.Dir, "state/lists/partial"), 0o755), os.MkdirAll(filepath.Join(theirs.Dir, "cache/archives/partial"), 0o755))
			if err != nil {
				return err
			}
			s, err := measure(ctx, "", update...)
			if err != nil {
				return err
			}
			b = append(b, s)
		}
	}
	printRow(name, a, b)
	return nil
}

// localMain copies the Release file and the xz index of the machine's archive of Debian 12, and returns the
// source for the copy.
func localMain(ctx context.Context, dir string) (source.Source, error) {
	config, err := conf.Load("/")
	if err != nil {
		return source.Source{}, err
	}
	sources, err := source.Load("/")
	if err != nil {
		return source.Source{}, err
	}
	found := source.Offering(sources, "bookworm")
	if len(found) == 0 {
		return source.Source{}, errors.New("no source of this machine offers bookworm")
	}
	s := found[0]
	base := strings.TrimSuffix(s.URIs[0], "/")
	client := &http.Client{Transport: archive.NewTransport(config.Proxy)}
	for _, name := range []string{"InRelease", "main/binary-amd64/Packages.xz"} {
		if err := save(ctx, client, base+"/dists/bookworm/"+name, filepath.Join(dir, "dists/bookworm", name)); err != nil {
			return source.Source{}, err
		}
	}
	s.URIs, s.Suites, s.Components, s.Path = []string{"file:" + dir}, []string{"bookworm"}, []string{"main"}, ""
	return s, nil
}

func save(ctx context.Context, client *http.Client, url, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	data, err := io.ReadAll(response.Body)
	return errors.Join(err, os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644))
}

func benchImport(ctx context.Context, opts options, work, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	debs := filepath.Join(work, "debs")
	if err := command(ctx, self, aptCommand, "debs", filepath.Join(opts.cache, "apt"), debs); err != nil {
		return err
	}
	const extract = `mkdir -p "$2"; for deb in "$1"/*.deb; do dpkg-deb -x "$deb" "$2/$(basename "$deb")"; done`
	var a, b []sample
	for i := range opts.runs {
		for side := range 2 {
			if (side+i)%2 == 0 {
				s, err := measure(ctx, "", self, aptCommand, "import", filepath.Join(work, fmt.Sprint("repo", i)), debs)
				if err != nil {
					return err
				}
				a = append(a, s)
				continue
			}
			s, err := measure(ctx, "", "sh", "-e", "-c", extract, "extract", debs, filepath.Join(work, fmt.Sprint("trees", i)))
			if err != nil {
				return err
			}
			b = append(b, s)
		}
	}
	printRow(name, a, b)
	// What else the machine does changes it less than the time that passes.
	fmt.Printf("\nProcessor time of the import: %s, and %s of the peer's.\n\n", showTime(processor(a)), showTime(processor(b)))
	return nil
}

// refreshLists is our side of the row about refreshing.
func refreshLists(ctx context.Context, cache, list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	sources, err := source.ParseDeb822(text, list)
	if err != nil {
		return err
	}
	client, err := apt.NewClient(apt.ClientOptions{CacheDir: cache, Architecture: "amd64"})
	if err != nil {
		return err
	}
	_, err = client.Update(ctx, sources)
	return err
}

// fetchDebs downloads the packages to import into a directory.
func fetchDebs(ctx context.Context, client *apt.Client, u *apt.Universe, dir string) error {
	s, err := solve.Solve(ctx, u, solve.Request{Architecture: "amd64", Essential: true, Install: importRequest})
	if err != nil {
		return err
	}
	if len(s.Install) < importedPackages {
		return fmt.Errorf("only %d packages to import", len(s.Install))
	}
	files, err := client.Download(ctx, s.Install[:importedPackages], apt.DownloadOptions{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for p, file := range files {
		if err := os.Symlink(file, filepath.Join(dir, p.Name+"_"+p.Version.String()+"_"+p.Architecture+".deb")); err != nil {
			return err
		}
	}
	return nil
}

// importDebs is our side of the row about importing.
func importDebs(ctx context.Context, repo, dir string) error {
	r, err := ostree.Init(repo, ostree.ModeBareUser, ostree.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return err
	}
	var sources []pkgcache.Source
	for _, file := range files {
		words := strings.Split(strings.TrimSuffix(filepath.Base(file), ".deb"), "_")
		sources = append(sources, pkgcache.Source{Key: pkgcache.Key{Name: words[0], Version: words[1], Architecture: words[2]}, Path: file})
	}
	_, err = pkgcache.New(r).Import(ctx, sources, pkgcache.Options{})
	return err
}
