package main

import (
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// signFlags are the options of commands that sign what they write.
type signFlags struct {
	gpgKeys []string
	gpgHome string
	keys    []string
	files   []string
	engine  string
}

// add adds the options; what is signed stands in their help. Commands that
// leave one out add the others themselves.
func (s *signFlags) add(f *flags, what string) {
	s.addGPG(f, what)
	f.Strings(&s.keys, "sign", "", "KEY_ID", "Sign the "+what+" with")
	f.Strings(&s.files, "sign-from-file", "", "PATH", "Sign the "+what+" with the keys in a file")
	f.String(&s.engine, "sign-type", "", "NAME", "Signature type to use (defaults to 'ed25519')")
}

func (s *signFlags) addGPG(f *flags, what string) {
	f.Strings(&s.gpgKeys, "gpg-sign", "", "KEY-ID", "GPG Key ID to sign the "+what+" with")
	f.String(&s.gpgHome, "gpg-homedir", "", "HOMEDIR", "GPG Homedir to use when looking for keyrings")
}

// signers returns a signer for each key that was given.
func (s *signFlags) signers(e *env) ([]sign.Signer, error) {
	var signers []sign.Signer
	for _, key := range s.keys {
		signer, err := sign.NewSigner(engineOrDefault(s.engine), key, e.signOptions())
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	for _, file := range s.files {
		more, err := sign.LoadSigners(engineOrDefault(s.engine), file, e.signOptions())
		if err != nil {
			return nil, err
		}
		signers = append(signers, more...)
	}
	return append(signers, gpgSigners(s.gpgKeys, s.gpgHome)...), nil
}

func gpgSigners(keys []string, home string) []sign.Signer {
	signers := make([]sign.Signer, len(keys))
	for i, key := range keys {
		signers[i] = &sign.GPGSigner{KeyID: key, Home: home}
	}
	return signers
}

func engineOrDefault(engine string) string {
	if engine == "" {
		return sign.Ed25519
	}
	return engine
}

func (e *env) signOptions() sign.Options { return sign.Options{Dummy: e.repoOptions().DummySign} }

// keyFlags are the options of commands that verify with plain keys.
type keyFlags struct{ engine, file, dir string }

func (k *keyFlags) add(f *flags) {
	f.String(&k.engine, "sign-type", "s", "NAME", "Signature type to use (defaults to 'ed25519')")
	f.String(&k.file, "keys-file", "", "NAME", "Read keys from file")
	f.String(&k.dir, "keys-dir", "", "NAME", "Redefine system-wide directories with public and revoked keys for verification")
}

// verifier returns a verifier for keys that were given as operands, together
// with those of --keys-file. Without any the keys of the system count, or of the
// directory that stands in for it.
func (k *keyFlags) verifier(e *env, operands []string) (sign.Verifier, error) {
	keys, err := parseKeys(engineOrDefault(k.engine), operands)
	if err != nil {
		return nil, err
	}
	if len(operands) == 0 || k.file != "" {
		more, err := k.load()
		if err != nil {
			return nil, err
		}
		keys.Trusted, keys.Revoked = slices.Concat(keys.Trusted, more.Trusted), more.Revoked
	}
	return sign.NewVerifier(engineOrDefault(k.engine), keys, e.signOptions())
}

func parseKeys(engine string, operands []string) (sign.Keys, error) {
	var keys sign.Keys
	for _, operand := range operands {
		key, err := sign.ParsePublicKey(engine, operand)
		if err != nil {
			return keys, err
		}
		keys.Trusted = append(keys.Trusted, key)
	}
	return keys, nil
}

// load reads the keys that are not on the command line.
func (k *keyFlags) load() (sign.Keys, error) {
	engine := engineOrDefault(k.engine)
	if k.file != "" {
		keys, err := sign.LoadKeyFile(engine, k.file)
		return sign.Keys{Trusted: keys}, err
	}
	dirs := sign.SystemDirs()
	if k.dir != "" {
		dirs = []string{k.dir}
	}
	return sign.LoadKeyDirs(engine, dirs...)
}
