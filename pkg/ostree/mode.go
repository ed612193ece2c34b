package ostree

import "fmt"

// A Mode says how a repository keeps file content. Commit checksums do not
// depend on it. The numbers are those of libostree's OstreeRepoMode.
type Mode int

const (
	// ModeBare keeps files as they are checked out: owner, mode and extended
	// attributes on the inode. It needs root. Hosts use it.
	ModeBare Mode = 0
	// ModeArchive keeps files compressed behind a header. Servers use it.
	ModeArchive Mode = 1
	// ModeBareUser keeps files with their owner, mode and attributes in an
	// extended attribute, so that an unprivileged user can build any tree.
	ModeBareUser Mode = 2
	// ModeBareUserOnly keeps files without owner and attributes.
	ModeBareUserOnly Mode = 3
	// ModeBareSplitXattrs keeps attributes in objects of their own. Such
	// repositories, found in container layers, can be read only.
	ModeBareSplitXattrs Mode = 4
)

// ParseMode reads a mode as it stands in a repository's configuration.
func ParseMode(s string) (Mode, error) {
	switch s {
	case "bare":
		return ModeBare, nil
	case "archive", "archive-z2":
		return ModeArchive, nil
	case "bare-user":
		return ModeBareUser, nil
	case "bare-user-only":
		return ModeBareUserOnly, nil
	case "bare-split-xattrs":
		return ModeBareSplitXattrs, nil
	}
	return 0, fmt.Errorf("unknown repository mode %q (known: bare, bare-user, bare-user-only, archive, bare-split-xattrs)", s)
}

// String returns the mode as it is written into a configuration.
func (m Mode) String() string {
	switch m {
	case ModeBare:
		return "bare"
	case ModeArchive:
		return "archive-z2"
	case ModeBareUser:
		return "bare-user"
	case ModeBareUserOnly:
		return "bare-user-only"
	case ModeBareSplitXattrs:
		return "bare-split-xattrs"
	}
	return fmt.Sprintf("mode(%d)", int(m))
}
