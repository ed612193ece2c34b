package compose

import "strings"

// elsewhere tells why a field of rpm-ostree's treefiles is not one here, "" if that has none of this name.
func elsewhere(field string) string {
	for _, e := range []struct{ fields, why string }{
		{"edition", "there is one set of defaults"},
		{"gpg-key gpg_key", "sign the commit with `ostree gpg-sign`"},
		{"repovars", "use `variables`"},
		{"bootstrap_packages", "use `packages`"},
		{"selinux selinux-label-version", "trees are labelled if a policy is in them"},
		{"ignore-devices", "devices are never part of a commit"},
		{"ima rpmdb rpmdb-normalize repo-metadata advisories-metadata", "it is about RPM"},
		{"modules platform-module", "Debian has no modules"},
		{"sysusers", "scripts of packages make the accounts"},
		{"etc-group-members", "all accounts are in /etc"},
		{"check-passwd check-groups ignore-removed-users ignore-removed-groups", "accounts of the previous commit are kept with their ids, unless `preserve-passwd` is false"},
		{"boot-location", "kernels are in /usr/lib/modules"},
		{"tmp-is-dir", "/tmp is a directory"},
		{"opt-usrlocal", "what packages have in /opt is in /usr/lib/opt, /usr/local is in /var"},
		{"machineid-compat", "/etc/machine-id is made at first boot"},
		{"cliwrap cliwrap-binaries", "dpkg and apt are not wrapped"},
		{"rojig", "rpm-ostree has given it up"},
		{"base-refspec container-image-reference packages-local packages-local-fileoverride override-remove ex-override-replace override-replace-local initramfs custom override-commit unconfigured-state",
			"it is about a machine, not about a base commit"},
	} {
		for name := range strings.FieldsSeq(e.fields) {
			if name == field {
				return e.why
			}
		}
	}
	return ""
}
