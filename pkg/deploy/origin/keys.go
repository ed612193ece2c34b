package origin

import (
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

// The groups and the two keys of libostree and rpm-ostree that have no table entry below.
const (
	groupOrigin    = "origin"
	groupPackages  = "packages"
	groupOverrides = "overrides"
	groupRPMOSTree = "rpmostree"
	groupTransient = "libostree-transient"

	keyRefspec     = "refspec"
	keyBaseRefspec = "baserefspec"
)

// slot ties a field to its place in the file.
type slot[T any] struct {
	group, key string
	field      *T
}

func (s slot[T]) get() T { return *s.field }

func (o *Origin) strings() []slot[string] {
	return []slot[string]{
		{groupOrigin, "container-image-reference", &o.ContainerImage},
		{groupOrigin, "override-commit", &o.OverrideCommit},
		{groupOrigin, "custom-url", &o.CustomURL},
		{groupOrigin, "custom-description", &o.CustomDescription},
		{groupOrigin, "unconfigured-state", &o.Unconfigured},
		{groupOrigin, "unlocked", &o.Unlocked},
		{groupTransient, "boot-failure", &o.BootFailure},
	}
}

func (o *Origin) lists() []slot[[]string] {
	return []slot[[]string]{
		{groupPackages, "requested", &o.Requested},
		{groupPackages, "requested-local", &o.RequestedLocal},
		{groupPackages, "requested-local-fileoverride", &o.RequestedLocalOverride},
		{groupOverrides, "remove", &o.OverrideRemove},
		{groupOverrides, "replace", &o.OverrideReplace},
		{groupOverrides, "replace-local", &o.OverrideReplaceLocal},
		{groupRPMOSTree, "initramfs-args", &o.InitramfsArgs},
		{groupRPMOSTree, "initramfs-etc", &o.InitramfsEtc},
	}
}

func (o *Origin) bools() []slot[bool] {
	return []slot[bool]{
		{groupRPMOSTree, "regenerate-initramfs", &o.RegenerateInitramfs},
		{groupRPMOSTree, "ex-cliwrap", &o.CLIWrap},
		{groupTransient, "pinned", &o.Pinned},
	}
}

// setString writes a string where it differs, so that an unchanged line keeps its spelling.
func setString(file *keyfile.File, group, key, value string) {
	have, ok := file.Get(group, key)
	switch {
	case value == "":
		file.Delete(group, key)
	case !ok || have != value:
		file.Set(group, key, value)
	}
}

func setList(file *keyfile.File, group, key string, items []string) {
	have, ok := file.GetList(group, key)
	switch {
	case len(items) == 0:
		file.Delete(group, key)
	case !ok || !slices.Equal(have, items):
		file.SetList(group, key, items)
	}
}

func setBool(file *keyfile.File, group, key string, value bool) {
	have, err := file.GetBool(group, key, false)
	switch {
	case !value && (err != nil || have):
		file.Delete(group, key)
	case value && !have:
		file.SetBool(group, key, true)
	}
}
