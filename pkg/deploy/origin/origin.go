package origin

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// maxSize bounds an origin file; real ones have a few hundred bytes.
const maxSize = 1 << 20

// Origin is the content of an origin file. The zero value follows nothing.
type Origin struct {
	// Refspec is what the deployment follows, "[remote:]ref" or a commit checksum. It is stored as
	// refspec, or as baserefspec when the deployment is assembled on this machine ([Origin.Layered]).
	Refspec string
	// ContainerImage is the image reference a deployment follows instead of a refspec.
	ContainerImage string
	// OverrideCommit pins the base to one commit of the ref.
	OverrideCommit string
	// CustomURL and CustomDescription name the source of a deployment that follows a bare commit.
	CustomURL, CustomDescription string
	// Unconfigured, when set, is the reason why the system cannot be upgraded yet.
	Unconfigured string
	// Unlocked is "hotfix" for a deployment with a writable /usr that survives reboots.
	Unlocked string

	// Requested are the names of the packages the user asked for, in request order.
	Requested []string
	// RequestedLocal are local packages, each "DIGEST:NAME".
	RequestedLocal []string
	// RequestedLocalOverride are local packages that may replace files of the base.
	RequestedLocalOverride []string
	// OverrideRemove are packages of the base to leave out.
	OverrideRemove []string
	// OverrideReplace are packages of the base to take from elsewhere, each "repo=NAME,PACKAGE…".
	OverrideReplace []string
	// OverrideReplaceLocal are local packages that replace those of the base, each "DIGEST:NAME".
	OverrideReplaceLocal []string

	// RegenerateInitramfs says that the initramfs is made on this machine, with InitramfsArgs.
	RegenerateInitramfs bool
	// InitramfsArgs are arguments of the initramfs generator.
	InitramfsArgs []string
	// InitramfsEtc are files of /etc that are added to the initramfs.
	InitramfsEtc []string
	// CLIWrap says that some programs are wrapped (an experiment of rpm-ostree).
	CLIWrap bool

	// Pinned says that the deployment is kept until it is unpinned. It belongs to one deployment
	// and is not carried to the next ([Origin.Derive]).
	Pinned bool
	// BootFailure is why the deployment was found not to work, in one line. It belongs to one
	// deployment as well.
	BootFailure string

	// file is what was parsed, for the keys without a field.
	file *keyfile.File
}

// New returns an origin that follows a refspec.
func New(refspec string) *Origin { return &Origin{Refspec: refspec} }

// Parse reads an origin file. It is an error when the text is not a key file or when a boolean is
// none; whether the content makes sense is for [Origin.Check].
func Parse(data []byte) (*Origin, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("origin file of %d bytes: more than %d are not plausible", len(data), maxSize)
	}
	file, err := keyfile.Parse(data)
	if err != nil {
		return nil, err
	}
	o := &Origin{file: file}
	for _, s := range o.strings() {
		*s.field = file.GetDefault(s.group, s.key, "")
	}
	o.Refspec = file.GetDefault(groupOrigin, keyRefspec, file.GetDefault(groupOrigin, keyBaseRefspec, ""))
	for _, l := range o.lists() {
		*l.field, _ = file.GetList(l.group, l.key)
	}
	for _, b := range o.bools() {
		if *b.field, err = file.GetBool(b.group, b.key, false); err != nil {
			return nil, fmt.Errorf("group %s: %w", b.group, err)
		}
	}
	return o, nil
}

// Layered reports whether the deployment is assembled on this machine rather than deployed as
// pulled.
func (o *Origin) Layered() bool {
	return o.RegenerateInitramfs || o.CLIWrap || len(o.InitramfsEtc)+len(o.Requested)+len(o.RequestedLocal)+
		len(o.RequestedLocalOverride)+len(o.OverrideRemove)+len(o.OverrideReplace)+len(o.OverrideReplaceLocal) > 0
}

// Check reports an origin that no system can follow: none or several things to follow.
func (o *Origin) Check() error {
	plain, base := "", ""
	if o.file != nil {
		plain, base = o.file.GetDefault(groupOrigin, keyRefspec, ""), o.file.GetDefault(groupOrigin, keyBaseRefspec, "")
	}
	switch {
	case o.Refspec == "" && o.ContainerImage == "":
		return errors.New("origin follows neither a refspec nor a container image")
	case o.Refspec != "" && o.ContainerImage != "":
		return fmt.Errorf("origin follows both refspec %s and container image %s", o.Refspec, o.ContainerImage)
	case plain != "" && base != "":
		return fmt.Errorf("origin has both refspec %s and baserefspec %s", plain, base)
	}
	return nil
}

// Bytes returns the text of the origin file: the parsed one with every changed field put in place.
func (o *Origin) Bytes() []byte {
	file := keyfile.New()
	if o.file != nil {
		file = o.file.Clone()
	}
	spec, other := keyRefspec, keyBaseRefspec
	if o.Layered() {
		spec, other = other, spec
	}
	file.Delete(groupOrigin, other)
	setString(file, groupOrigin, spec, o.Refspec)
	for _, s := range o.strings() {
		setString(file, s.group, s.key, s.get())
	}
	for _, l := range o.lists() {
		setList(file, l.group, l.key, *l.field)
	}
	for _, b := range o.bools() {
		setBool(file, b.group, b.key, *b.field)
	}
	emptied := false
	for _, group := range []string{groupPackages, groupOverrides, groupRPMOSTree, groupTransient} {
		if file.HasGroup(group) && len(file.Keys(group)) == 0 {
			emptied = file.DeleteGroup(group)
		}
	}
	if emptied {
		// The blank line that set the group apart goes with it.
		return append(bytes.TrimRight(file.Bytes(), "\n"), '\n')
	}
	return file.Bytes()
}

// Clone returns an independent copy, unknown keys included.
func (o *Origin) Clone() *Origin {
	c := *o
	for _, l := range c.lists() {
		*l.field = slices.Clone(*l.field)
	}
	if o.file != nil {
		c.file = o.file.Clone()
	}
	return &c
}

// Derive returns the origin of a deployment made from this one: a copy without what belongs to one
// deployment only (group libostree-transient, and an unlock).
func (o *Origin) Derive() *Origin {
	c := o.Clone()
	c.Pinned, c.Unlocked, c.BootFailure = false, "", ""
	if c.file != nil {
		c.file.DeleteGroup(groupTransient)
	}
	return c
}

// Equal reports whether both origins are written as the same text.
func (o *Origin) Equal(other *Origin) bool { return bytes.Equal(o.Bytes(), other.Bytes()) }

// Extra returns the value of a key that has no field here, and whether it is there.
func (o *Origin) Extra(group, key string) (string, bool) {
	if o.file == nil {
		return "", false
	}
	return o.file.Get(group, key)
}

// SetExtra stores a key that has no field here, or deletes it when value is "". Group and key must
// be valid names of a key file.
func (o *Origin) SetExtra(group, key, value string) error {
	if !keyfile.ValidGroup(group) || !keyfile.ValidKey(key) {
		return fmt.Errorf("origin: [%s] %s is not a valid group and key", group, key)
	}
	if o.file == nil {
		o.file = keyfile.New()
	}
	setString(o.file, group, key, value)
	return nil
}
