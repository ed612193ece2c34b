package oci

import (
	"fmt"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// repoDir is where the repository is in a layer; the link /ostree of a commit's
// tree leads there.
const repoDir = "sysroot/ostree/repo"

// repoConfig is the configuration of the repository in a layer.
const repoConfig = "[core]\nrepo_version=1\nmode=bare-split-xattrs\n"

// repoDirs are the directories of the repository beside those of objects.
var repoDirs = []string{"extensions", "refs", "refs/heads", "refs/mirrors", "refs/remotes", "state", "tmp", "tmp/cache"}

// objectPath is where an object is in a layer.
func objectPath(c ostree.Checksum, t ostree.ObjectType) string {
	hex := c.String()
	return repoDir + "/objects/" + hex[:2] + "/" + hex[2:] + "." + t.String()
}

// parseObjectPath reads the path of an object, which must be one below repoDir.
func parseObjectPath(name string) (ostree.ObjectName, error) {
	var none ostree.ObjectName
	rest, ok := strings.CutPrefix(name, repoDir+"/objects/")
	if !ok {
		return none, fmt.Errorf("not below %s/objects", repoDir)
	}
	dir, file, ok := strings.Cut(rest, "/")
	if !ok || len(dir) != 2 || strings.Contains(file, "/") {
		return none, fmt.Errorf("not the path of an object")
	}
	hex, ext, _ := strings.Cut(file, ".")
	c, err := ostree.ParseChecksum(dir + hex)
	if err != nil {
		return none, err
	}
	for _, t := range []ostree.ObjectType{
		ostree.ObjectFile, ostree.ObjectDirTree, ostree.ObjectDirMeta, ostree.ObjectCommit, ostree.ObjectCommitMeta,
		ostree.ObjectFileXattrs, ostree.ObjectFileXattrsLink,
	} {
		if t.String() == ext {
			return ostree.ObjectName{Checksum: c, Type: t}, nil
		}
	}
	return none, fmt.Errorf("unknown kind of object %q", ext)
}

// visiblePath is where a container shows what is at a path of the commit: its
// default configuration is in place.
func visiblePath(name string) string {
	if name == "usr/etc" {
		return "etc"
	}
	if rest, ok := strings.CutPrefix(name, "usr/etc/"); ok {
		return path.Join("etc", rest)
	}
	return name
}
