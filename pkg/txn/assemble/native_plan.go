package assemble

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// A plan is how one package is unpacked natively.
type plan struct {
	pkg    *apt.Package
	cached *pkgcache.Package

	entry     dpkg.Entry
	conffiles []deb.Conffile
	triggers  []deb.Trigger
	preinst   bool

	items   []item
	touched []string // absolute paths, for file triggers
	owned   []string // paths with links resolved, for who comes later
}

// item is an object to place. Its directory is resolved.
type item struct {
	at     string
	dir    bool
	meta   ostree.DirMeta  // of a directory
	object ostree.Checksum // of a file or link
	info   *ostree.FileInfo
}

// plan decides what happens with each path of a package, or says why dpkg has
// to. Nothing is changed.
func (u *unpacking) plan(ctx context.Context, p *apt.Package, cached *pkgcache.Package) (*plan, string, error) {
	plan := &plan{pkg: p, cached: cached}
	if reason := u.unfit(plan); reason != "" {
		return nil, reason, nil
	}
	reason, err := u.planFiles(ctx, plan)
	return plan, reason, err
}

// planFiles is the part of plan that looks at files.
func (u *unpacking) planFiles(ctx context.Context, plan *plan) (string, error) {
	plan.items, plan.touched, plan.owned = nil, nil, nil
	u.view.drop()
	w := &planner{unpacking: u, plan: plan, conffiles: map[string]bool{}}
	for _, c := range plan.conffiles {
		w.conffiles[c.Path] = true
	}
	for _, name := range plan.cached.List {
		if reason, err := w.path(ctx, name); reason != "" || err != nil {
			return reason, err
		}
	}
	for name, missing := range w.conffiles {
		if missing {
			return "it lacks its conffile " + name, nil
		}
	}
	if other := u.db.vanishing(plan.owned); other != "" && !u.bootstrap {
		return "package " + other + " might disappear", nil
	}
	return "", nil
}

// planner decides about paths as dpkg does, which its source describes at
// process_archive:
//
//	                   new directory   new link   other new object
//	nothing there      make            make       make
//	file, link, …      replace         replace    replace
//	directory          keep            keep       for dpkg
//
// A link to a directory counts as one for a new directory, and for a new link to
// the same. Unless a directory is kept, a path that another package owns is for
// dpkg, if no diversion keeps the two apart.
type planner struct {
	*unpacking
	plan      *plan
	conffiles map[string]bool // true until the file was seen
}

// target is a path of a package and what is there now.
type target struct {
	name      string // absolute, as the package has it
	at        string // where it goes, its directory resolved
	owned     string // the same without diversion
	diversion *dpkg.Diversion
	entry     ostree.Entry
	link      string
	isLink    bool
	now       node
	lost      bool // there is no such directory
}

// path decides about one path.
func (w *planner) path(ctx context.Context, name string) (string, error) {
	if name == "/." {
		return "", nil
	}
	t, reason, err := w.locate(name)
	if reason != "" || err != nil {
		return reason, err
	}
	skip := w.filter.skips(name, t.entry.Dir || t.isLink)
	if t.lost && !skip {
		return "the directory of " + name + " does not exist", nil
	}
	keep, err := w.keeps(t)
	if err != nil {
		return "", err
	}
	// What is not there dpkg takes for a directory that both have. If it does not
	// make it because it is left out, the other one's list stays as it is.
	shared := skip && t.entry.Dir && t.now.kind == missing
	if other := w.rival(t); other != "" && !keep && !shared {
		return name + " is in package " + other + " too", nil
	}
	w.plan.owned = append(w.plan.owned, t.owned)
	conffile := w.conffiles[name]
	if skip {
		if conffile {
			return "its conffile " + name + " is left out", nil
		}
		return "", nil
	}
	if keep {
		if conffile {
			return "its conffile " + name + " is a directory", nil
		}
		return "", nil
	}
	return w.replace(ctx, t, conffile)
}

// locate finds out what a path is and where it goes.
func (w *planner) locate(name string) (t target, reason string, err error) {
	diversion, diverted := w.db.diversion(name)
	if diverted {
		return t, name + " is where something else is diverted to", nil
	}
	t = target{name: name, diversion: diversion}
	use := name
	if diversion != nil && diversion.Package != w.plan.pkg.Name {
		use = diversion.To
	}
	w.plan.touched = append(w.plan.touched, use)
	at, ok, err := w.view.place(use[1:])
	if err != nil {
		return t, "", err
	}
	t.at, t.lost = at, !ok
	if t.owned, err = w.db.resolved(w.view, name); err != nil {
		return t, "", err
	}
	if t.entry, err = w.plan.cached.Tree.Lookup("files" + name); err != nil {
		return t, "", err
	}
	t.link, t.isLink = w.plan.cached.Links[name[1:]]
	if !t.lost {
		t.now, err = w.view.lookup(t.at)
	}
	return t, "", err
}

// keeps tells whether what is there stays.
func (w *planner) keeps(t target) (bool, error) {
	switch {
	case t.entry.Dir:
		return w.view.isDirectory(t.at, t.now)
	case t.isLink && t.now.kind == directory:
		return true, nil
	case t.isLink && t.now.kind == link:
		return w.sameDirectory(t)
	}
	return false, nil
}

// sameDirectory tells whether the link that is there and the new one both lead to
// one directory.
func (w *planner) sameDirectory(t target) (bool, error) {
	now, ok, err := w.view.resolve(t.at)
	if err != nil || !ok {
		return false, err
	}
	to := t.link
	if !strings.HasPrefix(to, "/") {
		to = parentOf(t.at) + "/" + to
	}
	then, ok, err := w.view.resolve(to)
	return ok && then == now, err
}

// rival is another package that owns the path.
func (w *planner) rival(t target) string {
	if w.bootstrap {
		return ""
	}
	me := w.plan.pkg.Name
	for _, other := range w.db.owners[t.owned] {
		switch {
		case other == me:
		case t.diversion != nil && (other == t.diversion.Package || me == t.diversion.Package):
		default:
			return other
		}
	}
	return ""
}

// replace plans to put the object where it goes.
func (w *planner) replace(ctx context.Context, t target, conffile bool) (string, error) {
	i := item{at: t.at, dir: t.entry.Dir, object: t.entry.File}
	switch {
	case conffile && (t.entry.Dir || t.isLink || t.now.kind == link):
		return "its conffile " + t.name + " is no regular file", nil
	case conffile:
		w.conffiles[t.name] = false
		i.at += ".dpkg-new"
	case !t.entry.Dir && t.now.kind == directory:
		return t.name + " replaces a directory", nil
	}
	if _, twice := w.view.draft[i.at]; twice {
		return t.name + " is in the package by another name too", nil
	}
	if _, pending := w.view.pending[t.at]; pending && t.entry.Dir && t.now.kind != missing {
		return t.name + " replaces what was just unpacked", nil
	}
	n := node{kind: other}
	switch {
	case t.entry.Dir:
		n.kind = directory
	case t.isLink:
		n = node{kind: link, target: t.link}
	}
	reason, err := w.describe(ctx, t, &i)
	if reason != "" || err != nil {
		return reason, err
	}
	n.meta = i.meta
	w.view.put(i.at, n)
	w.plan.items = append(w.plan.items, i)
	return "", nil
}

// describe finds owner and mode: those of the package, with names looked up in
// the tree, unless an override says otherwise.
func (w *planner) describe(ctx context.Context, t target, i *item) (string, error) {
	owner, named := w.plan.cached.Owners[t.name[1:]]
	override, overridden := w.db.overrides[t.name]
	if i.dir {
		i.meta = t.entry.Meta
		w.named(owner, &i.meta.UID, &i.meta.GID)
		if overridden {
			i.meta.Mode = unix.S_IFDIR | override.Mode
			return w.overridden(override, &i.meta.UID, &i.meta.GID), nil
		}
		return "", nil
	}
	if !named && !overridden {
		return "", nil
	}
	info, err := w.cache.Repo().FileInfo(ctx, i.object)
	if err != nil {
		return "", err
	}
	before := info
	w.named(owner, &info.UID, &info.GID)
	reason := ""
	if overridden {
		if !info.IsSymlink() {
			info.Mode = unix.S_IFREG | override.Mode
		}
		reason = w.overridden(override, &info.UID, &info.GID)
	}
	if !info.SameMeta(before) {
		i.info = &info
	}
	return reason, nil
}

// named replaces numbers by those of the names in the tree, where it knows them.
func (w *planner) named(o pkgcache.Owner, uid, gid *uint32) {
	if id, ok := w.db.users[o.User]; ok {
		*uid = id
	}
	if id, ok := w.db.groups[o.Group]; ok {
		*gid = id
	}
}

// overridden replaces numbers by those of an override.
func (w *planner) overridden(o dpkg.Override, uid, gid *uint32) string {
	user, ok1 := accountID(o.User, w.db.users)
	group, ok2 := accountID(o.Group, w.db.groups)
	if !ok1 || !ok2 {
		return fmt.Sprintf("the override of %s is for %s:%s, whom the tree does not know", o.Path, o.User, o.Group)
	}
	*uid, *gid = user, group
	return ""
}

// accountID looks up a name, or reads a number behind a "#".
func accountID(name string, ids map[string]uint32) (uint32, bool) {
	if number, ok := strings.CutPrefix(name, "#"); ok {
		id, err := strconv.ParseUint(number, 10, 32)
		return uint32(id), err == nil
	}
	id, ok := ids[name]
	return id, ok
}

// apply does what is planned, in memory.
func (u *unpacking) apply(p *plan) error {
	u.view.keep()
	u.fresh = true
	for _, i := range p.items {
		if err := u.put(i); err != nil {
			return err
		}
	}
	if u.bootstrap {
		return nil
	}
	if err := u.putInfo(p); err != nil {
		return err
	}
	u.record(p)
	return nil
}

// put adds one object to the tree that is placed with the next flush.
func (u *unpacking) put(i item) error {
	if err := u.parents(i.at); err != nil {
		return err
	}
	if i.dir {
		return u.tree.Mkdir(i.at, i.meta)
	}
	u.rewrites = slices.DeleteFunc(u.rewrites, func(r rewrite) bool { return r.path == i.at })
	if i.info != nil {
		u.rewrites = append(u.rewrites, rewrite{i.at, i.object, *i.info})
	}
	return u.tree.SetFile(i.at, i.object)
}

// parents adds the directories above a path as they are in the cage.
func (u *unpacking) parents(name string) error {
	dir := parentOf(name)
	if dir == "" || u.tree.Exists(dir) {
		return nil
	}
	if err := u.parents(dir); err != nil {
		return err
	}
	meta, err := u.view.dirMeta(dir)
	if err != nil {
		return err
	}
	return u.tree.Mkdir(dir, meta)
}

// putInfo adds the package's files in dpkg's directory info.
func (u *unpacking) putInfo(p *plan) error {
	dir, ok, err := u.view.resolve(adminDir + "/info")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("/%s/info is no directory", adminDir)
	}
	list, err := p.cached.Tree.Lookup("list")
	if err != nil {
		return err
	}
	files := map[string]ostree.Checksum{"list": list.File}
	if !p.cached.Digests.IsZero() {
		files["md5sums"] = p.cached.Digests
	}
	for name, object := range p.cached.Objects {
		if name != "control" && name != "list" && !strings.Contains(name, ".") {
			files[name] = object
		}
	}
	for kind, object := range files {
		if err := u.put(item{at: path.Join(dir, p.entry.InfoName()+"."+kind), object: object}); err != nil {
			return err
		}
	}
	return nil
}

// record notes in the database what dpkg would.
func (u *unpacking) record(p *plan) {
	u.db.changed = true
	u.db.entries = append(u.db.entries, p.entry)
	for _, at := range p.owned {
		u.db.own(at, p.pkg.Name)
	}
	who := p.entry.InfoName()
	if p.pkg.Architecture != "all" && p.pkg.Architecture != u.db.native {
		who = p.pkg.Name + ":" + p.pkg.Architecture
	}
	for _, t := range p.triggers {
		if t.Activate {
			u.db.activate(t.Name, awaiting(t, who))
		}
	}
	for _, name := range p.touched {
		u.db.touch(name, who)
	}
	for _, t := range p.triggers {
		if !t.Activate {
			u.db.interested(dpkg.Interest{Trigger: t.Name, Package: p.entry.InfoName(), NoAwait: t.NoAwait})
		}
	}
}

// awaiting is who waits for a trigger that a package activates.
func awaiting(t deb.Trigger, who string) string {
	if t.NoAwait {
		return "-"
	}
	return who
}
