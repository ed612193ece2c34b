package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// isFile says whether an argument is a file or an address of one, and not the name of a package. A name
// may have a slash before a suite, so a path begins with one, or with a dot.
func isFile(arg string) bool {
	for _, prefix := range []string{"/", "./", "../", "file://", "http://", "https://"} {
		if strings.HasPrefix(arg, prefix) {
			return true
		}
	}
	return strings.HasSuffix(arg, ".deb")
}

// splitFiles separates the arguments that are files.
func splitFiles(args []string) (packages, files []string) {
	for _, arg := range args {
		if isFile(arg) {
			files = append(files, arg)
		} else {
			packages = append(packages, arg)
		}
	}
	return packages, files
}

// addFiles makes the packages of files known to a system, for a change.
func (a *app) addFiles(ctx context.Context, system *txn.System, change *txn.Change, flags changeFlags) error {
	for _, part := range []struct {
		files []string
		list  *[]string
	}{{flags.files, &change.InstallLocal}, {flags.replacements, &change.OverrideReplaceLocal}} {
		for _, name := range part.files {
			id, err := a.addFile(ctx, system, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if a.files == nil {
				a.files = map[string]string{}
			}
			a.files[id] = name
			*part.list = append(*part.list, id)
		}
	}
	return nil
}

func (a *app) addFile(ctx context.Context, system *txn.System, name string) (id string, err error) {
	r, err := a.openFile(ctx, name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return system.AddLocal(ctx, r)
}

// openFile opens a file by its path or address.
func (a *app) openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	if !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		return os.Open(strings.TrimPrefix(name, "file://"))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, name, http.NoBody)
	if err != nil {
		return nil, err
	}
	client := a.Options.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(errors.New(response.Status), response.Body.Close())
	}
	return response.Body, nil
}
