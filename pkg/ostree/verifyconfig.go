package ostree

import (
	"context"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func (r *Repo) verification(remote *Remote, gpg bool, signKey string) (*Verification, error) {
	v := &Verification{}
	if gpg {
		keyring, err := r.RemoteKeyring(remote.Name)
		if err != nil {
			return nil, err
		}
		v.All = append(v.All, keyring)
	}
	var err error
	v.Any, err = r.remoteVerifiers(remote, signKey)
	return v, err
}

// remoteVerifiers reads sign-verify or sign-verify-summary: a boolean, of which
// true means every engine, or a list of engines, which must then have keys.
func (r *Repo) remoteVerifiers(remote *Remote, key string) ([]sign.Verifier, error) {
	value, _ := remote.Option(key)
	engines := sign.Engines()
	listed := false
	switch value {
	case "", "false", "0":
		return nil, nil
	case "true", "1":
	default:
		engines, listed = splitList(value), true
	}
	verifiers := make([]sign.Verifier, 0, len(engines))
	for _, engine := range engines {
		v, err := r.remoteVerifier(remote, engine, listed)
		if err != nil {
			return nil, fmt.Errorf("remote %s: %s: %w", remote.Name, key, err)
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// remoteVerifier takes the keys that the remote itself lists. If it lists none
// those of the system count, unless the engine was asked for by name.
func (r *Repo) remoteVerifier(remote *Remote, engine string, listed bool) (sign.Verifier, error) {
	if _, err := sign.NewVerifier(engine, sign.Keys{}, r.signOptions()); err != nil {
		return nil, err
	}
	inline, haveInline := remote.Option("verification-" + engine + "-key")
	file, haveFile := remote.Option("verification-" + engine + "-file")
	if !haveInline && !haveFile {
		if listed {
			return nil, &NoRemoteKeysError{Remote: remote.Name, Engine: engine}
		}
		return &systemVerifier{engine: engine, dirs: r.signKeyDirs(), opts: r.signOptions()}, nil
	}
	var keys sign.Keys
	if haveFile {
		more, err := sign.LoadKeyFile(engine, file)
		if err != nil {
			return nil, fmt.Errorf("verification-%s-file: %w", engine, err)
		}
		keys.Trusted = more
	}
	if haveInline {
		key, err := sign.ParsePublicKey(engine, inline)
		if err != nil {
			return nil, fmt.Errorf("verification-%s-key: %w", engine, err)
		}
		keys.Trusted = append(keys.Trusted, key)
	}
	return sign.NewVerifier(engine, keys, r.signOptions())
}

// A NoRemoteKeysError says that a remote wants signatures of an engine and has no
// key for it.
type NoRemoteKeysError struct{ Remote, Engine string }

// Error implements error.
func (e *NoRemoteKeysError) Error() string {
	return fmt.Sprintf("no %[1]s key to check signatures with; set verification-%[1]s-key or verification-%[1]s-file", e.Engine)
}

func (r *Repo) signOptions() sign.Options { return sign.Options{Dummy: r.opts.DummySign} }

func (r *Repo) signKeyDirs() []string {
	if r.opts.SignKeyDirs != nil {
		return r.opts.SignKeyDirs
	}
	return sign.SystemDirs()
}

// systemVerifier reads the keys of the system when a signature wants them,
// since most signatures are of another engine.
type systemVerifier struct {
	engine string
	dirs   []string
	opts   sign.Options
}

// Engine implements sign.Verifier.
func (v *systemVerifier) Engine() string { return v.engine }

// Verify implements sign.Verifier.
func (v *systemVerifier) Verify(ctx context.Context, data []byte, signatures [][]byte) (sign.Result, error) {
	if len(signatures) == 0 {
		return sign.Result{}, &sign.NoSignatureError{Engine: v.engine}
	}
	keys, err := sign.LoadKeyDirs(v.engine, v.dirs...)
	if err != nil {
		return sign.Result{}, err
	}
	verifier, err := sign.NewVerifier(v.engine, keys, v.opts)
	if err != nil {
		return sign.Result{}, err
	}
	return verifier.Verify(ctx, data, signatures)
}

func splitList(value string) []string {
	var list []string
	for item := range strings.SplitSeq(value, ";") {
		if item != "" {
			list = append(list, item)
		}
	}
	return list
}

// remoteOption returns a key of a remote. The first repository that has the
// remote decides, so that a child can replace a remote as a whole.
// remoteOption returns a key of the configuration of a remote, if there is such a
// remote.
func (r *Repo) remoteOption(remote, key string) (string, bool) {
	for repo := r; repo != nil; repo = repo.parent {
		if entry, ok := repo.remoteEntry(remote); ok {
			return entry.file.Get(remoteGroup(remote), key)
		}
	}
	return "", false
}
