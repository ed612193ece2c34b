package assemble

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// shadowGroup owns shadow and gshadow; the number is fixed in Debian's
// base-passwd.
const shadowGroup = 42

// accountFile describes the lines of one file that gives names numbers. Field 0
// is always the name; index 0 elsewhere means that there is no such field.
type accountFile struct {
	name    string
	fields  int
	group   bool  // about groups, not users
	id      int   // the number that must stay unique
	primary int   // the number of a group
	secret  int   // a password hash, never taken over
	members []int // lists of users
	mode    fs.FileMode
}

// accountFiles are those of group(5), passwd(5), gshadow(5), shadow(5),
// subuid(5) and subgid(5), each after those whose loss of an account it has to
// follow.
func accountFiles() []accountFile {
	return []accountFile{
		{name: "group", fields: 4, group: true, id: 2, members: []int{3}, mode: 0o644},
		{name: "passwd", fields: 7, id: 2, primary: 3, mode: 0o644},
		{name: "gshadow", fields: 4, group: true, secret: 1, members: []int{2, 3}, mode: 0o640},
		{name: "shadow", fields: 9, secret: 1, mode: 0o640},
		{name: "subuid", fields: 3, mode: 0o644},
		{name: "subgid", fields: 3, mode: 0o644},
	}
}

// seeding is one merge of a previous commit's accounts into a tree.
type seeding struct {
	root    *os.Root
	dropped func(file, name string)
	files   []*seededFile

	lostUsers, lostGroups, lostNumbers map[string]bool

	known map[string]bool // users there are in the end
	added map[string]bool // users among them that come from the seed
}

// seededFile is one file before and after.
type seededFile struct {
	accountFile
	text        string     // of the tree
	now, before [][]string // of the tree, of the seed
	added       [][]string
}

// seedAccounts adds the accounts of a previous commit to the tree, before any
// script asks for one: programs that create a system account leave an existing
// one alone, so ids stay what they were, and an id once given is not given to
// another name. What the tree has already wins.
//
// Users that come from the seed stay in their groups, because most scripts put
// a user into groups only when they create it. Passwords are not taken over.
// dropped receives names whose id belongs to another name by now.
func seedAccounts(root *os.Root, previous fs.FS, dropped func(file, name string)) error {
	s := &seeding{
		root: root, dropped: dropped,
		lostUsers: map[string]bool{}, lostGroups: map[string]bool{}, lostNumbers: map[string]bool{},
		known: map[string]bool{}, added: map[string]bool{},
	}
	if err := s.read(previous); err != nil {
		return fmt.Errorf("seed accounts: %w", err)
	}
	for _, f := range s.files {
		f.added = s.missing(f)
	}
	s.listUsers()
	if err := makeDir(root, "etc", 0o755); err != nil {
		return err
	}
	for _, f := range s.files {
		if err := s.write(f); err != nil {
			return fmt.Errorf("seed accounts: %s: %w", f.name, err)
		}
	}
	return nil
}

func (s *seeding) read(previous fs.FS) error {
	for _, file := range accountFiles() {
		before, err := fs.ReadFile(previous, file.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		now, err := s.root.ReadFile("etc/" + file.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.files = append(s.files, &seededFile{
			accountFile: file, text: string(now), now: file.parse(now), before: file.parse(before),
		})
	}
	return nil
}

// missing returns the lines of the seed whose name the tree lacks. A name whose
// number is taken is dropped, and with it its lines in the other files.
func (s *seeding) missing(f *seededFile) [][]string {
	names, ids := map[string]bool{}, map[string]bool{}
	for _, line := range f.now {
		names[line[0]], ids[line[f.id]] = true, true
	}
	lost := s.lostUsers
	if f.group {
		lost = s.lostGroups
	}
	var added [][]string
	for _, line := range f.before {
		name := line[0]
		if names[name] || lost[name] {
			continue
		}
		if f.id != 0 && ids[line[f.id]] || f.primary != 0 && s.lostNumbers[line[f.primary]] {
			lost[name] = true
			if f.group {
				s.lostNumbers[line[f.id]] = true
			}
			s.dropped(f.name, name)
			continue
		}
		names[name], ids[line[f.id]] = true, true
		added = append(added, line)
	}
	return added
}

func (s *seeding) listUsers() {
	for _, f := range s.files {
		if f.name != "passwd" {
			continue
		}
		for _, line := range f.now {
			s.known[line[0]] = true
		}
		for _, line := range f.added {
			s.known[line[0]], s.added[line[0]] = true, true
		}
	}
}

// write writes the file if it changed.
func (s *seeding) write(f *seededFile) error {
	text := s.joinGroups(f)
	if len(f.added) > 0 && text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	var b strings.Builder
	b.WriteString(text)
	for _, line := range f.added {
		b.WriteString(strings.Join(s.sanitize(f, line), ":") + "\n")
	}
	if b.String() == f.text {
		return nil
	}
	path := "etc/" + f.name
	if err := replaceFile(s.root, path, []byte(b.String()), f.mode); err != nil {
		return err
	}
	if f.secret != 0 {
		return s.root.Chown(path, 0, shadowGroup)
	}
	return nil
}

// joinGroups returns the tree's text of a file with the users of the seed as
// members of the groups that are there.
func (s *seeding) joinGroups(f *seededFile) string {
	if len(f.members) == 0 {
		return f.text
	}
	before := map[string][]string{}
	for _, line := range f.before {
		before[line[0]] = line
	}
	var b strings.Builder
	for text := range strings.Lines(f.text) {
		lines := f.parse([]byte(text))
		if len(lines) == 1 && before[lines[0][0]] != nil {
			text = s.join(f, lines[0], before[lines[0][0]]) + text[len(strings.TrimSuffix(text, "\n")):]
		}
		b.WriteString(text)
	}
	return b.String()
}

func (s *seeding) join(f *seededFile, line, before []string) string {
	line = slices.Clone(line)
	for _, i := range f.members {
		members := splitList(line[i])
		for _, user := range splitList(before[i]) {
			if s.added[user] && !slices.Contains(members, user) {
				members = append(members, user)
			}
		}
		line[i] = strings.Join(members, ",")
	}
	return strings.Join(line, ":")
}

// sanitize drops what must not come back by itself: a password, and members
// that are no users.
func (s *seeding) sanitize(f *seededFile, line []string) []string {
	line = slices.Clone(line)
	if f.secret != 0 && (line[f.secret] == "" || strings.Trim(line[f.secret], "!*") != "") {
		line[f.secret] = "*"
	}
	for _, i := range f.members {
		members := slices.DeleteFunc(splitList(line[i]), func(user string) bool { return !s.known[user] })
		line[i] = strings.Join(members, ",")
	}
	return line
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// parse returns the well-formed lines as fields. A line that is not, the tools
// in the tree would not read either.
func (f accountFile) parse(data []byte) [][]string {
	var lines [][]string
	for text := range strings.Lines(string(data)) {
		line := strings.Split(strings.TrimSuffix(text, "\n"), ":")
		if len(line) != f.fields || line[0] == "" || strings.ContainsAny(line[0][:1], "#+-") {
			continue
		}
		if f.id != 0 {
			if _, err := strconv.ParseUint(line[f.id], 10, 32); err != nil {
				continue
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// replaceFile writes a file of the tree anew, never into an existing one.
func replaceFile(root *os.Root, path string, data []byte, mode fs.FileMode) error {
	temporary := path + ".apt-ostree"
	if err := removeIfThere(root, temporary); err != nil {
		return err
	}
	if err := root.WriteFile(temporary, data, mode); err != nil {
		return err
	}
	if err := root.Chmod(temporary, mode); err != nil { // the umask is the caller's
		return err
	}
	return root.Rename(temporary, path)
}
