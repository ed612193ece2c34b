package apt_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// What "apt-get update" and "apt-get download" do, for the sources of this machine.
func ExampleClient() {
	download := func(ctx context.Context, cache, name string) (path string, err error) {
		config, err := conf.Load("/")
		if err != nil {
			return "", err
		}
		sources, err := source.Load("/")
		if err != nil {
			return "", err
		}
		client, err := apt.NewClient(apt.ClientOptions{CacheDir: cache, Architecture: "amd64", Proxy: config.Proxy})
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, client.Close()) }()
		universe, err := client.Update(ctx, source.ApplyConf(sources, config))
		if err != nil {
			return "", err
		}
		versions := universe.Versions(name)
		if len(versions) == 0 {
			return "", fmt.Errorf("no package %s; did you mean %v", name, universe.Nearest(name, 3))
		}
		paths, err := client.Download(ctx, versions[:1], apt.DownloadOptions{})
		return paths[versions[0]], err
	}
	_ = download // it needs a network
}

func ExampleUniverse() {
	var packages []*apt.Package
	for _, text := range []string{
		"Package: postfix\nVersion: 3.7.6-0\nArchitecture: amd64\nProvides: mail-transport-agent\n",
		"Package: exim4\nVersion: 4.96-15\nArchitecture: all\nProvides: mail-transport-agent\n",
		"Package: postfix\nVersion: 3.7.11-0\nArchitecture: amd64\nProvides: mail-transport-agent\n",
	} {
		paragraph, err := deb822.Parse(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		p, err := apt.ParsePackage(paragraph)
		if err != nil {
			fmt.Println(err)
			return
		}
		packages = append(packages, p)
	}
	u := apt.NewUniverse(packages)
	fmt.Println(u.Versions("postfix"))
	fmt.Println(u.Providers("mail-transport-agent"))
	// Output:
	// [postfix:amd64=3.7.11-0 postfix:amd64=3.7.6-0]
	// [exim4:all=4.96-15 postfix:amd64=3.7.11-0 postfix:amd64=3.7.6-0]
}
