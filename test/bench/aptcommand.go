package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// aptCommand makes this program our side of the rows about package lists, a process like the peer's:
//
//	bench apt-lists minimal|search|show|solve CACHE STATUS WORD…
//	bench apt-lists refresh|debs|import CACHE FILE
//
// The first word makes the others possible: it fetches the lists and writes the status of a minimal
// system. That the parent does not do this itself keeps its memory small, which is the least that is
// measured of its children.
const aptCommand = "apt-lists"

func runAptCommand(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("apt-lists: too few arguments")
	}
	switch args[0] {
	case "refresh":
		return refreshLists(ctx, args[1], args[2])
	case "import":
		return importDebs(ctx, args[1], args[2])
	}
	client, u, err := openLists(ctx, args[1], args[0] != "minimal" && args[0] != "debs")
	if err != nil {
		return err
	}
	switch words := args[3:]; args[0] {
	case "minimal":
		return writeMinimal(ctx, u, args[2])
	case "debs":
		return fetchDebs(ctx, client, u, args[2])
	case "search":
		for _, m := range u.Search(words...) {
			fmt.Println(m.Package.Name, "-", m.Package.Summary)
		}
	case "show":
		for _, p := range u.Versions(words[0]) {
			for f := range p.Paragraph().All() {
				fmt.Println(f.Name+":", f.Value)
			}
		}
	case "solve":
		return solveRequest(ctx, u, args[2], words)
	}
	return nil
}

// openLists opens the lists of the machine's sources for Debian 12.
func openLists(ctx context.Context, cache string, offline bool) (*apt.Client, *apt.Universe, error) {
	config, err := conf.Load("/")
	if err != nil {
		return nil, nil, err
	}
	sources, err := source.Load("/")
	if err != nil {
		return nil, nil, err
	}
	client, err := apt.NewClient(apt.ClientOptions{CacheDir: cache, Architecture: "amd64", Offline: offline, Proxy: config.Proxy})
	if err != nil {
		return nil, nil, err
	}
	u, err := client.Update(ctx, source.Offering(source.ApplyConf(sources, config), "bookworm"))
	return client, u, err
}

// writeMinimal writes the status of a system with what is Essential, required and important.
func writeMinimal(ctx context.Context, u *apt.Universe, status string) error {
	request := solve.Request{Architecture: "amd64", Essential: true, Recommends: true}
	for q := range u.All() {
		if q.Priority == "required" || q.Priority == "important" {
			request.Install = append(request.Install, q.Name)
		}
	}
	s, err := solve.Solve(ctx, u, request)
	if err != nil {
		return err
	}
	return os.WriteFile(status, peer.Status(s.Resulting), 0o644)
}

// solveRequest prints the answer to names to install and names with "-" to remove. That there is none is
// an answer.
func solveRequest(ctx context.Context, u *apt.Universe, status string, words []string) error {
	f, err := os.Open(status)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, err := dpkg.ReadStatus(f)
	if err != nil {
		return err
	}
	req := solve.Request{Architecture: "amd64", Installed: dpkg.Installed(entries), Recommends: true, RemoveEssential: true}
	for _, w := range words {
		if name, remove := strings.CutSuffix(w, "-"); remove {
			req.Remove = append(req.Remove, name)
		} else {
			req.Install = append(req.Install, w)
		}
	}
	s, err := solve.Solve(ctx, u, req)
	var unsatisfiable *solve.UnsatisfiableError
	var missing *solve.NotFoundError
	if errors.As(err, &unsatisfiable) || errors.As(err, &missing) {
		fmt.Println(err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range s.Install {
		fmt.Println("Inst", p)
	}
	for _, p := range s.Remove {
		fmt.Println("Remv", p)
	}
	return nil
}
