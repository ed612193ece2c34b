// Package etcmerge carries local changes of /etc into a new deployment, as libostree does.
//
// Three trees take part: the defaults the running system was deployed with (its /usr/etc), the
// system's /etc, and the defaults of the new system. What differs between the first two is a local
// change, and local changes win: [Merge] applies them to a fresh copy of the new defaults. Files
// are never merged line by line; a changed file keeps its local content until someone deletes it.
//
// [Diff] lists the local changes ("ostree admin config-diff"), [Preview] tells before anything is
// touched which of them meet a changed default, which defaults are taken, and whether a merge is
// possible at all.
//
//	report, err := etcmerge.Merge(ctx, etcmerge.Trees{Old: old, Local: etc, New: next})
//
// The rules, which are those of merge_configuration_from in libostree:
//
//   - Content, type, mode and owner are compared; extended attributes are not, because SELinux
//     labels differ between /usr/etc and /etc.
//   - A removed file is removed, with whatever the new defaults have below it. (If its directory
//     has become a file there is nothing left to remove, where libostree gives up.)
//   - A changed or added file or link replaces what the new defaults have. If that is a directory,
//     the merge fails with a [*ConflictError].
//   - A changed or added directory is copied as a whole when the new defaults have no directory
//     there; otherwise only its changed contents are.
//   - The directory around a changed file gets the local mode, owner and attributes.
//   - Sockets, fifos and device nodes are left behind.
package etcmerge
