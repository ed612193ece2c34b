package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// remoteAddOptions are the options of remote add.
type remoteAddOptions struct {
	set, signVerify                            []string
	noGPG, noSign, ifNotExists, force          bool
	gpgImport, backend, contentURL, collection string
	sysroot                                    string
}

func cmdRemoteAdd() *command {
	var o remoteAddOptions
	return &command{
		name: "add", operands: "NAME [metalink=|mirrorlist=]URL [BRANCH...]", summary: "Add a remote repository",
		flags: func(f *flags) {
			f.Strings(&o.set, "set", "", "KEY=VALUE", "Set config option KEY=VALUE for remote")
			f.Bool(&o.noGPG, "no-gpg-verify", "", "Disable GPG verification")
			f.Bool(&o.noSign, "no-sign-verify", "", "Disable signature verification")
			f.Strings(&o.signVerify, "sign-verify", "", "KEYTYPE=[inline|file]:PUBKEY",
				"Verify signatures using KEYTYPE=inline:PUBKEY or KEYTYPE=file:/path/to/key")
			f.Bool(&o.ifNotExists, "if-not-exists", "", "Do nothing if the provided remote exists")
			f.Bool(&o.force, "force", "", "Replace the provided remote if it exists")
			f.String(&o.gpgImport, "gpg-import", "", "FILE", "Import GPG key from FILE")
			f.String(&o.backend, "custom-backend", "", "NAME", "This remote has content not fetched via libostree")
			f.String(&o.contentURL, "contenturl", "", "URL", "Use URL when fetching content")
			f.String(&o.collection, "collection-id", "", "COLLECTION-ID",
				"Globally unique ID for this repository as a collection of refs for redistribution to other repositories")
			f.String(&o.sysroot, "sysroot", "", "PATH", "Use sysroot at PATH (overrides --repo)")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepoOrSysroot(o.sysroot)
			if err != nil {
				return err
			}
			if len(args) < 1 || len(args) < 2 && o.backend == "" {
				return usagef("NAME and URL must be specified")
			}
			if o.ifNotExists && o.force {
				return usagef("Can only specify one of --if-not-exists and --force")
			}
			return o.add(ctx, e, repo, args)
		},
	}
}

func (o *remoteAddOptions) add(ctx context.Context, e *env, repo *ostree.Repo, args []string) error {
	name := args[0]
	add := ostree.AddRemoteOptions{Replace: o.force}
	if len(args) > 1 {
		add.URL = args[1]
	}
	if len(args) > 2 {
		add.Options = append(add.Options, ostree.RemoteOption{Key: "branches", Value: strings.Join(args[2:], ";") + ";"})
	}
	more, err := o.options()
	if err != nil {
		return err
	}
	add.Options = append(add.Options, more...)
	err = repo.AddRemote(name, add)
	var exists *ostree.RemoteExistsError
	if o.ifNotExists && errors.As(err, &exists) {
		return nil
	}
	if err != nil || o.gpgImport == "" {
		return err
	}
	keys := &sign.Keyring{}
	if err := keys.AddFile(o.gpgImport); err != nil {
		return err
	}
	return importKeys(ctx, e, repo, name, keys, nil)
}

// options turns flags into keys of the configuration.
func (o *remoteAddOptions) options() ([]ostree.RemoteOption, error) {
	var options []ostree.RemoteOption
	add := func(key, value string) { options = append(options, ostree.RemoteOption{Key: key, Value: value}) }
	for _, assignment := range o.set {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return nil, errors.New("Missing '=' in KEY=VALUE for --set")
		}
		add(key, value)
	}
	if o.contentURL != "" {
		add("contenturl", o.contentURL)
	}
	// An option that switches GPG off only is older than the other signatures.
	if o.noGPG || o.noSign {
		add("gpg-verify", "false")
	}
	if o.noSign {
		if len(o.signVerify) > 0 {
			return nil, errors.New("Cannot specify both --sign-verify and --no-sign-verify")
		}
		add("sign-verify", "false")
	}
	if len(o.signVerify) > 0 {
		more, err := remoteKeyOptions(o.signVerify)
		if err != nil {
			return nil, err
		}
		options = append(options, more...)
	}
	if o.backend != "" {
		add("custom-backend", o.backend)
	}
	if o.collection != "" {
		add("collection-id", o.collection)
	}
	return options, nil
}

// remoteKeyOptions reads KEYTYPE=inline:KEY and KEYTYPE=file:PATH.
func remoteKeyOptions(verify []string) ([]ostree.RemoteOption, error) {
	var options []ostree.RemoteOption
	var engines strings.Builder
	for _, text := range verify {
		engine, key, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("Failed to parse KEYTYPE=[inline|file]:DATA in %s", text)
		}
		if _, err := sign.NewVerifier(engine, sign.Keys{}, sign.Options{Dummy: true}); err != nil {
			return nil, err
		}
		kind, data, ok := strings.Cut(key, ":")
		switch {
		case !ok:
			return nil, fmt.Errorf("Failed to parse KEYTYPE=[inline|file]:DATA in %s", text)
		case kind == "inline":
			options = append(options, ostree.RemoteOption{Key: "verification-" + engine + "-key", Value: data})
		case kind == "file":
			options = append(options, ostree.RemoteOption{Key: "verification-" + engine + "-file", Value: data})
		default:
			return nil, fmt.Errorf("Invalid key reference %s, expected inline|file", kind)
		}
		engines.WriteString(engine + ";")
	}
	return append(options, ostree.RemoteOption{Key: "sign-verify", Value: engines.String()}), nil
}
