// Package sign makes and checks the detached signatures of OSTree: over the
// bytes of a commit, of a summary or of a static delta.
//
// There are four engines, named as in configuration files and command lines:
//
//   - [GPG]: OpenPGP signatures, the oldest and most used kind;
//   - [Ed25519]: raw Ed25519 keys, written as base64;
//   - [SPKI]: X.509 public keys (SubjectPublicKeyInfo) with Ed25519, Ed448,
//     ECDSA or RSA inside, as the openssl tool writes them;
//   - [Dummy]: a signature that is its own key. It protects nothing, is meant
//     for tests and works only where [Options.Dummy] allows it.
//
// A [Signer] holds one secret key, a [Verifier] the public keys that its owner
// trusts:
//
//	signer, err := sign.NewSigner(sign.Ed25519, secret, sign.Options{})
//	signature, err := signer.Sign(ctx, data)
//
//	keys, err := sign.LoadKeyDirs(sign.Ed25519, "/etc/ostree", "/usr/share/ostree")
//	verifier, err := sign.NewVerifier(sign.Ed25519, keys, sign.Options{})
//	result, err := verifier.Verify(ctx, data, [][]byte{signature})
//
// OpenPGP keys live in keyrings instead, see [Keyring]; signatures are checked
// without any program, and made either by gpg (see [GPGSigner]), which knows
// about agents and smart cards, or from an exported secret key.
//
// Signatures and keys may come from anywhere: nothing here panics on them, and
// their number and size are bounded. Signers and verifiers may be used by
// several goroutines at the same time.
package sign
