package assemble

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// adminDir is where dpkg's database is in the cage.
const adminDir = "var/lib/dpkg"

// database is what dpkg knows, in memory, with what a native unpack adds.
type database struct {
	entries    []dpkg.Entry
	owners     map[string][]string // packages by path, its directory resolved
	lists      map[string][]string // the same paths by package
	alone      map[string]string   // a path that only this package owned when it was looked for
	diversions []dpkg.Diversion
	overrides  map[string]dpkg.Override // by absolute path
	users      map[string]uint32
	groups     map[string]uint32

	native  string // architecture
	foreign []string
	version string // of dpkg

	files     []dpkg.Interest            // in file triggers
	explicit  map[string][]dpkg.Interest // in others, by name
	edited    map[string]bool            // names of those to write
	activated []dpkg.Activation
	hadFiles  bool
	changed   bool
}

// readDatabase reads the database of the cage.
func readDatabase(root *os.Root, v *view) (*database, error) {
	d := &database{owners: map[string][]string{}, lists: map[string][]string{}, alone: map[string]string{}, overrides: map[string]dpkg.Override{}, explicit: map[string][]dpkg.Interest{}, edited: map[string]bool{}}
	fsys := root.FS()
	var err error
	if d.entries, err = dpkg.ReadStatusFS(fsys); err != nil {
		return nil, err
	}
	reader, err := dpkg.OpenDatabase(fsys)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.readTriggers(fsys, reader), d.readArchitectures(root), d.readPlaces(root), d.readOverrides(reader), d.readOwners(reader, v)); err != nil {
		return nil, err
	}
	return d, nil
}

// readTriggers reads who is interested in what.
func (d *database) readTriggers(fsys fs.FS, reader *dpkg.Database) error {
	var err error
	if d.files, err = reader.FileInterests(); err != nil {
		return err
	}
	d.hadFiles = len(d.files) > 0
	names, err := fs.ReadDir(fsys, adminDir+"/triggers")
	if err != nil {
		return ignoreMissing(err)
	}
	for _, f := range names {
		switch name := f.Name(); name {
		case "File", "Unincorp", "Lock":
		default:
			if d.explicit[name], err = reader.Interests(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOverrides reads whose files are in spite of what packages say. dpkg does so
// once in a run, not after scripts. Where a package is left to it, that is another
// run: an override that a preinst has added before counts there, and would not
// have if dpkg had unpacked everything.
func (d *database) readOverrides(reader *dpkg.Database) error {
	overrides, err := reader.Overrides()
	for _, o := range overrides {
		d.overrides[o.Path] = o
	}
	return err
}

// readPlaces reads where files go and who the accounts are. Scripts may change
// both.
func (d *database) readPlaces(root *os.Root) error {
	reader, err := dpkg.OpenDatabase(root.FS())
	if err != nil {
		return err
	}
	if d.diversions, err = reader.Diversions(); err != nil {
		return err
	}
	if d.users, err = accountIDs(root, "etc/passwd"); err != nil {
		return err
	}
	d.groups, err = accountIDs(root, "etc/group")
	return err
}

// accountIDs reads the numbers of a passwd(5) or group(5) file.
func accountIDs(root *os.Root, name string) (map[string]uint32, error) {
	ids := map[string]uint32{}
	text, err := root.ReadFile(name)
	if err != nil {
		return ids, ignoreMissing(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(line, ":", 4)
		if len(fields) < 4 {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if _, ok := ids[fields[0]]; err == nil && !ok {
			ids[fields[0]] = uint32(id)
		}
	}
	return ids, nil
}

// readArchitectures finds out for which architectures the tree is.
func (d *database) readArchitectures(root *os.Root) error {
	for _, e := range d.entries {
		if e.Name == "dpkg" && e.Package != nil {
			d.native, d.version = e.Architecture, e.Package.Version.String()
		}
	}
	text, err := root.ReadFile(adminDir + "/arch")
	if err != nil {
		return ignoreMissing(err)
	}
	if list := strings.Fields(string(text)); len(list) > 0 {
		d.native, d.foreign = list[0], list[1:]
	}
	return nil
}

// readOwners reads the lists of files.
func (d *database) readOwners(reader *dpkg.Database, v *view) error {
	for _, e := range d.entries {
		files, err := reader.Files(e)
		if err != nil {
			return err
		}
		for _, f := range files {
			at, err := d.resolved(v, f)
			if err != nil {
				return err
			}
			d.own(at, e.Name)
		}
	}
	return nil
}

// resolved is a path of a list without leading slash and links in its directory.
// What leads nowhere stays as it is.
func (d *database) resolved(v *view, name string) (string, error) {
	name = strings.TrimPrefix(path.Clean(name), "/")
	at, ok, err := v.place(name)
	if !ok {
		at = name
	}
	return at, err
}

func (d *database) own(at, pkg string) {
	if at != "" && !slices.Contains(d.owners[at], pkg) {
		d.owners[at] = append(d.owners[at], pkg)
		d.lists[pkg] = append(d.lists[pkg], at)
	}
}

// vanishing finds a package that would be left with nothing of its own: all its
// paths are in the list of the one that is being unpacked, or belong to others
// too. dpkg makes such a package disappear.
func (d *database) vanishing(list []string) string {
	fresh := map[string]bool{}
	for _, at := range list {
		fresh[at] = true
	}
	for name, paths := range d.lists {
		own := func(at string) bool { return len(d.owners[at]) == 1 && !fresh[at] }
		if at, ok := d.alone[name]; ok && own(at) {
			continue
		}
		i := slices.IndexFunc(paths, own)
		if i < 0 {
			return name
		}
		d.alone[name] = paths[i]
	}
	return ""
}

// diversion returns the diversion of a path, if any, and whether something else
// is diverted to it.
func (d *database) diversion(name string) (from *dpkg.Diversion, target bool) {
	for i := range d.diversions {
		switch name {
		case d.diversions[i].From:
			from = &d.diversions[i]
		case d.diversions[i].To:
			target = true
		}
	}
	return from, target
}

// interested adds an interest in a trigger.
func (d *database) interested(i dpkg.Interest) {
	if strings.HasPrefix(i.Trigger, "/") {
		d.files = dpkg.AddInterest(d.files, i)
		return
	}
	d.explicit[i.Trigger] = dpkg.AddInterest(d.explicit[i.Trigger], i)
	d.edited[i.Trigger] = true
}

// activate notes that a trigger was activated. who waits for it, "-" for nobody.
func (d *database) activate(trigger, who string) {
	for _, a := range d.activated {
		if a.Trigger == trigger && slices.Contains(a.Awaiting, who) {
			return
		}
	}
	d.activated = append(d.activated, dpkg.Activation{Trigger: trigger, Awaiting: []string{who}})
}

// touch activates the file triggers of a path and of those above it.
func (d *database) touch(name, who string) {
	for {
		for _, i := range d.files {
			if i.Trigger == name {
				d.activate(name, who)
				break
			}
		}
		slash := strings.LastIndexByte(name, '/')
		if slash <= 0 {
			return
		}
		name = name[:slash]
	}
}

// write brings the files of the cage up to date.
func (d *database) write(root *os.Root) error {
	if !d.changed {
		return nil
	}
	d.changed = false
	var status bytes.Buffer
	if err := dpkg.WriteStatus(&status, d.entries); err != nil {
		return err
	}
	files := map[string][]byte{adminDir + "/status": status.Bytes()}
	if d.hadFiles || len(d.files) > 0 {
		files[adminDir+"/triggers/File"] = dpkg.FormatFileInterests(d.files)
	}
	for name := range d.edited {
		files[adminDir+"/triggers/"+name] = dpkg.FormatInterests(d.explicit[name])
	}
	clear(d.edited)
	// The file must be there, or dpkg takes the database for one without triggers.
	waiting, err := root.ReadFile(adminDir + "/triggers/Unincorp")
	if ignoreMissing(err) != nil {
		return err
	}
	files[adminDir+"/triggers/Unincorp"] = append(waiting, dpkg.FormatActivations(d.activated)...)
	d.activated = nil
	if _, err := root.Lstat(adminDir + "/info/format"); errors.Is(err, fs.ErrNotExist) {
		files[adminDir+"/info/format"] = []byte("1\n")
	}
	for name, data := range files {
		if _, err := root.Lstat(path.Dir(name)); err != nil {
			if err := makeDir(root, path.Dir(name), 0o755); err != nil {
				return err
			}
		}
		if err := replaceFile(root, name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
