package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// fieldsDocument is the status of a system that has everything, as programs get it.
const fieldsDocument = `{"deployments":[
 {"id":"debian-A.0","osname":"debian","checksum":"A","base-checksum":"B","base-version":"12","version":"12","base-timestamp":0,"unlocked":"none",
  "origin":"debian:stable","gpg-enabled":true,"staged":true,"finalization-locked":true,
  "signatures":[{"valid":true,"fingerprint":"F00D","user":"Key","text":"Signature made\nGood signature"}],
  "base-commit-meta":{"ostree.source-title":"Debian Stable"},
  "base-removals":[["firefox-1-1.all","firefox","0","1","1","all"],["firefox-l10n-1-1.all","firefox-l10n","0","1","1","all"],["vim-2","vim","1","2","","all"]],
  "requested-base-removals":["firefox","vim","emacs"],
  "base-local-replacements":[[["n","foo","0","2","1","all"],["o","foo","0","1","1","all"]]],
  "requested-base-local-replacements":["foo_2-1_all","bar_1_all"],
  "requested-base-remote-replacements":[["repo=backports",["linux","gone"]]],
  "base-remote-replacements":{"repo=backports":[[["n","linux","0","6.12","1","amd64"],["o","linux","0","6.1","1","amd64"]]]},
  "requested-packages":["htop","bash"],"packages":["htop"],"requested-local-packages":["mine_1_all"],"requested-local-fileoverride-packages":["forced_1_all"],
  "regenerate-initramfs":true,"initramfs-args":["-q","-v"],"initramfs-etc":["/etc/crypttab"],"cliwrap":true,"pinned":true},
 {"id":"debian-C.0","osname":"debian","checksum":"C","booted":true,"version":"11","timestamp":0,"unlocked":"transient","live-replaced":"L","live-inprogress":"I",
  "origin":"deadbeef","custom-origin":["https://example.com/image","An image"],"remote-error":"no such remote","gpg-enabled":true,"regenerate-initramfs":true}],
 "cached-update":{"checksum":"N","version":"13","timestamp":0,"ref-has-new-commit":true,"gpg-enabled":true,"signatures":[{"valid":true,"fingerprint":"F00D"}],
  "rpm-diff":{"upgraded":[[0,"a",["1","all"],["2","all"]]],"downgraded":[],"removed":[[1,"b","1","all"]],"added":[]},
  "advisories":[["openssl (stable-security)",1,0,["openssl_2_amd64","libssl3_2_amd64"],{}]],"update-sha256":"A"},
 "transaction":null,"update-driver":{"driver-name":"zincati","driver-sd-unit":"zincati.service"}}`

// TestStatusFields prints every field, in rpm-ostree's order and form.
func TestStatusFields(t *testing.T) {
	t.Parallel()
	var status txn.Status
	require.NoError(t, json.Unmarshal([]byte(fieldsDocument), &status))
	for verbose, want := range map[bool]string{false: `State: idle
AutomaticUpdatesDriver: zincati
Deployments:
  debian:stable
  └ Debian Stable
                  Version: 12 (1970-01-01T00:00:00Z)
               BaseCommit: B
       FinalizationLocked: yes
             GPGSignature: Valid signature by F00D
      RemovedBasePackages: firefox firefox-l10n 1-1
                           vim 1:2
           LocalOverrides: foo 1-1 -> 2-1
          RemoteOverrides: repo=backports
                           └─ linux 6.1-1 -> 6.12-1
          LayeredPackages: htop
            LocalPackages: mine_1_all
      LocalForcedPackages: forced_1_all
                Initramfs: -q -v
                  Cliwrap: enabled
             InitramfsEtc: /etc/crypttab
                   Pinned: yes

● https://example.com/image
             CustomOrigin: An image
       OstreeRemoteStatus: no such remote
                  Version: 11 (1970-01-01T00:00:00Z)
             BootedCommit: C
    InterruptedLiveCommit: I
               LiveCommit: L
             GPGSignature: (unsigned)
                Initramfs: regenerate
                 Unlocked: transient

AvailableUpdate:
        Version: 13 (1970-01-01T00:00:00Z)
         Commit: N
   GPGSignature: Valid signature by F00D
  SecAdvisories: 1 unknown severity
           Diff: 1 upgraded, 1 removed
`, true: `             GPGSignature: 1 signature
                           Signature made
                           Good signature
      RemovedBasePackages: firefox firefox-l10n 1-1
                           vim 1:2
     InactiveBaseRemovals: emacs
           LocalOverrides: foo 1-1 -> 2-1
   InactiveLocalOverrides: bar_1_all
          RemoteOverrides: repo=backports
                           └─ linux 6.1-1 -> 6.12-1
  InactiveRemoteOverrides: repo=backports
                           └─ gone
         InactiveRequests: bash
`} {
		var out bytes.Buffer
		cli.PrintStatus(&out, &status, verbose)
		if verbose {
			require.Contains(t, out.String(), want)
			require.True(t, strings.HasSuffix(out.String(), `  SecAdvisories: openssl (stable-security)  Unknown    openssl_2_amd64
                 openssl (stable-security)  Unknown    libssl3_2_amd64
       Upgraded: a 1 -> 2
        Removed: b_1_all
`), out.String())
			continue
		}
		require.Equal(t, want, out.String())
	}
}
