// Package selinux computes the SELinux labels of files from the file contexts of
// a policy, as restorecon does on the running system: for trees whose policy is
// not the one of the machine, on machines without SELinux.
//
//	policy, err := selinux.Open("/srv/root")
//	label, err := policy.Label("/etc/shadow", unix.S_IFREG)
//
// [Open] finds the policy of a root file system by its etc/selinux/config, or by
// usr/etc/selinux/config as it is in a commit. A [*Policy] is what
// ostree.AddOptions.Labels and ostree.CheckoutOptions.Labels ask for.
//
// The rules are those of selabel_file(5) with the back end of libselinux 3.4:
//
//   - file_contexts, file_contexts.homedirs and file_contexts.local are read in
//     this order. Of the specifications that match, one without metacharacters wins
//     over one with, and among equals the last.
//   - A specification with a file type (--, -d, -l, -b, -c, -p, -s) matches only
//     that type.
//   - The first element of a path, its stem, must be that of the specification if
//     the latter has one; file_contexts.subs and then file_contexts.subs_dist
//     replace the beginning of a path before it is looked up.
//   - <<none>> means no label.
//
// Files compiled by sefcontext_compile are not read.
//
// # Regular expressions
//
// libselinux uses PCRE2, this package RE2 by way of package regexp: matching takes
// time linear in the path, whatever the policy. Both see bytes, match a dot with
// any of them and put ^ before and $ after the text of a specification without
// grouping it. What RE2 lacks makes [Open] fail: look-around, back-references,
// atomic groups, possessive quantifiers, and the escapes that only PCRE knows.
// Policies in use have none of these.
package selinux
