package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// fsckMessage is the peer's text for what fsck found.
func fsckMessage(p *ostree.FsckProblem) string {
	var binding *ostree.BindingError
	var backRef *ostree.BackRefError
	switch {
	case errors.As(p.Err, &backRef):
		return backRefMessage(backRef)
	case errors.As(p.Err, &binding):
		return fmt.Sprintf("Commit %s: %s", p.Object.Checksum, message(binding))
	case p.Ref != "" && p.Missing():
		return fmt.Sprintf("Loading commit for ref %s: No such metadata object %s", shownRef(p.Ref), p.Object)
	case p.Ref != "":
		return fmt.Sprintf("fsck %s: %s", p.Object, damage(p))
	case p.Missing():
		return fmt.Sprintf("Object missing in commits %s: %s", commitList(p), p.Object)
	case p.Object.Type == ostree.ObjectFile:
		return fmt.Sprintf("In commits %s: fsck content object %s: %s", commitList(p), p.Object.Checksum, damage(p))
	}
	return fmt.Sprintf("In commits %s: fsck %s: %s", commitList(p), p.Object, damage(p))
}

// damage is what is wrong with an object that is named before.
func damage(p *ostree.FsckProblem) string {
	return strings.TrimPrefix(message(p.Err), p.Object.String()+": ")
}

func commitList(p *ostree.FsckProblem) string {
	texts := make([]string, len(p.Commits))
	for i, c := range p.Commits {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// shownRef turns a path below refs into what the user calls the ref.
func shownRef(path string) string {
	top, rest, _ := strings.Cut(path, "/")
	first, ref, _ := strings.Cut(rest, "/")
	switch top {
	case "mirrors":
		return ostree.CollectionRef{Collection: first, Ref: ref}.String()
	case "remotes":
		return ref
	}
	return rest
}

func backRefMessage(e *ostree.BackRefError) string {
	what := fmt.Sprintf("Ref ‘%s’", e.Ref)
	if e.Collection != "" {
		what = fmt.Sprintf("Collection–ref (%s, %s)", e.Collection, e.Ref)
	}
	fate := "does not exist"
	if !e.Other.IsZero() {
		fate = "does not resolve to that commit"
	}
	return fmt.Sprintf("%s in bindings for commit %s %s", what, e.Commit, fate)
}

// maintMessage returns the peer's texts for the errors of prune.
func maintMessage(err error) (string, bool) {
	var inUse *ostree.CommitInUseError
	switch {
	case errors.As(err, &inUse) && inUse.CollectionRef != ostree.CollectionRef{}:
		return fmt.Sprintf("Commit '%s' is referenced by %s", inUse.Commit, inUse.CollectionRef), true
	case errors.As(err, &inUse):
		return fmt.Sprintf("Commit '%s' is referenced by '%s'", inUse.Commit, inUse.Ref), true
	}
	return "", false
}
