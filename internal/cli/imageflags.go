package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// imageFlags are the options of commands that write container images.
type imageFlags struct {
	labels, authFiles []string
	config, arch      string
	maxLayers         int
	format            int
	json              bool
}

func (f *imageFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVarP(&f.labels, "label", "l", nil, "give the image a label `KEY=VALUE`")
	flags.StringVar(&f.config, "image-config", "", "begin with this container configuration, a JSON `FILE`")
	flags.IntVar(&f.maxLayers, "max-layers", oci.DefaultMaxLayers, "divide the image into at most `N` layers")
	flags.IntVar(&f.format, "format-version", 1, "version of the layers: 1, or 2 with all directories in each")
	flags.StringArrayVar(&f.authFiles, "authfile", nil, "credentials for registries are in this `FILE`")
}

// addOutput adds the options that commands have which do not compose.
func (f *imageFlags) addOutput(c *cobra.Command) {
	c.Flags().StringVar(&f.arch, "arch", "", "architecture of the image (default: the commit's, or this machine's)")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON: the digest and the layers")
}

// options of an export, with progress on the terminal.
func (f *imageFlags) options(a *app) (oci.ExportOptions, error) {
	opts := oci.ExportOptions{
		Options:   oci.Options{HTTP: a.Options.HTTP, AuthFiles: f.authFiles, Architecture: f.arch},
		MaxLayers: f.maxLayers, FormatVersion: f.format, Labels: make(map[string]string), Architecture: f.arch,
	}
	for _, pair := range f.labels {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return opts, fmt.Errorf("--label=%s: not of the form KEY=VALUE", pair)
		}
		opts.Labels[key] = value
	}
	if f.config != "" {
		text, err := os.ReadFile(f.config)
		if err != nil {
			return opts, err
		}
		opts.Config = text
	}
	if !f.json && !a.quiet {
		opts.Progress = func(done, total int, l oci.Layer) {
			title := l.Title
			if title == "" {
				title = "the commit"
			}
			a.printf("Layer %d of %d: %s (%s)\n", done, total, size(l.Size), title)
		}
	}
	return opts, nil
}

// wrote tells of an image that was written.
func (f *imageFlags) wrote(a *app, to oci.Location, e *oci.Exported) error {
	if f.json {
		return a.printJSON(e)
	}
	a.printf("Wrote: %s\nDigest: %s\n", to, e.Digest)
	return nil
}
