package cli

import (
	"strconv"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// commandLine spells a change as a command that can be pasted. The command is named for the part of
// the change that only it can do; what goes along with it are options.
func (a *app) commandLine(c txn.Change) string {
	w := &words{list: []string{"apt-ostree"}}
	w.verb(c)
	w.option("", c.OverrideReset, "override reset")
	w.option("", c.OverrideReplace, "override replace")
	w.option("--replace=", a.fileNames(c.OverrideReplaceLocal), "override replace")
	w.option("--install=", a.fileNames(c.InstallLocal), "install")
	w.option("--remove=", c.OverrideRemove, "override remove")
	w.option("--install=", c.Install, "install")
	w.option("--uninstall=", c.Uninstall, "uninstall")
	w.flag(c.Freeze, "--freeze")
	w.flag(c.ForceReplaceFiles, "--force-replacefiles")
	w.flag(c.AllowInactive, "--allow-inactive")
	w.flag(c.Idempotent, "--idempotent")
	w.flag(c.RemoveEssential, "--remove-essential")
	w.flag(c.AllowDowngrade && c.Upgrade, "--allow-downgrade") // deploy allows it by default
	w.flag(c.SkipBranchCheck, "--skip-branch-check")
	w.flag(c.CacheOnly, "--cache-only")
	w.flag(c.DownloadOnly, "--download-only")
	w.flag(c.BypassDriver, "--bypass-driver")
	w.flag(c.RegisterDriver != "", "--register-driver="+c.RegisterDriver)
	w.flag(c.LockFinalization, "--lock-finalization")
	w.flag(a.sysroot != "/" && a.sysroot != "", "--sysroot="+a.sysroot)
	w.flag(a.stateroot != "", "--stateroot="+a.stateroot)
	for i, word := range w.list {
		w.list[i] = shellQuote(word)
	}
	return strings.Join(w.list, " ")
}

// fileNames are the files that local packages were given as; a user of the library has none to show.
func (a *app) fileNames(ids []string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		if names[i] = a.files[id]; names[i] == "" {
			_, name, _ := strings.Cut(id, ":")
			names[i] = "./" + name + ".deb"
		}
	}
	return names
}

// words is a command line in the making.
type words struct {
	list    []string
	command string // the verb, whose packages need no option
}

func (w *words) verb(c txn.Change) {
	var more []string
	switch {
	case c.Upgrade:
		w.command = "upgrade"
	case c.Deploy != "":
		w.command, more = "deploy", []string{c.Deploy}
	case c.Rebase != nil:
		w.command, more = "rebase", rebaseWords(*c.Rebase)
	case c.RegisterDriver != "":
		w.command = "deploy"
	case c.Rollback:
		w.command = "rollback"
	case c.Finalize != nil:
		w.command = "finalize-deployment"
		if c.Finalize.Checksum != "" {
			more = []string{c.Finalize.Checksum}
		}
	case c.Undo:
		w.command = "undo"
	case c.Cleanup != nil:
		w.command, more = "cleanup", cleanupWords(*c.Cleanup)
	case c.Prune != nil:
		w.command, more = "prune", pruneWords(*c.Prune)
	case c.RefreshMetadata != nil:
		w.command = "refresh-md"
		if c.RefreshMetadata.Force {
			more = []string{"--force"}
		}
	case c.Pin != nil:
		w.command, more = "pin", pinWords(*c.Pin)
	case c.Unlock != "":
		w.command = "usroverlay"
		if c.Unlock != deploy.UnlockDevelopment {
			more = []string{"--" + string(c.Unlock)}
		}
	case c.Kargs != nil:
		w.command, more = "kargs", kargsWords(*c.Kargs)
	case c.Initramfs != nil:
		w.command, more = "initramfs", initramfsWords(*c.Initramfs)
	case c.InitramfsEtc != nil:
		w.command, more = "initramfs-etc", initramfsEtcWords(*c.InitramfsEtc)
	case c.OverrideResetAll && c.UninstallAll || c.ResetInitramfs:
		w.command = "reset"
		more = resetFlags(c)
	case c.UninstallAll:
		w.command, more = "uninstall", []string{"--all"}
	case c.OverrideResetAll:
		w.command, more = "override reset", []string{"--all"}
	case len(c.OverrideReset) > 0:
		w.command = "override reset"
	case len(c.OverrideReplace)+len(c.OverrideReplaceLocal) > 0:
		w.command = "override replace"
	case len(c.OverrideRemove) > 0:
		w.command = "override remove"
	case len(c.Install)+len(c.InstallLocal) > 0:
		w.command = "install"
	default:
		w.command = "uninstall"
	}
	w.list = append(append(w.list, strings.Fields(w.command)...), more...)
}

// option adds packages, as an option or as arguments of the command they belong to.
func (w *words) option(name string, packages []string, command string) {
	if w.command == command {
		name = ""
	}
	for _, p := range packages {
		w.list = append(w.list, name+p)
	}
}

func (w *words) flag(on bool, word string) {
	if on {
		w.list = append(w.list, word)
	}
}

// rebaseWords are the arguments and options of a rebase.
func rebaseWords(r txn.Rebase) []string {
	w := new(words)
	w.flag(r.Refspec != "", r.Refspec)
	w.flag(r.Revision != "", r.Revision)
	w.flag(r.Remote != "", "--remote="+r.Remote)
	w.flag(r.Branch != "", "--branch="+r.Branch)
	w.flag(r.SkipPurge, "--skip-purge")
	w.flag(r.CustomURL != "", "--custom-origin-url="+r.CustomURL)
	w.flag(r.CustomDescription != "", "--custom-origin-description="+r.CustomDescription)
	return w.list
}

func cleanupWords(c txn.Cleanup) []string {
	w := new(words)
	w.flag(c.Base, "--base")
	w.flag(c.Pending, "--pending")
	w.flag(c.Rollback, "--rollback")
	w.flag(c.Metadata, "--repomd")
	return w.list
}

func pruneWords(p txn.Prune) []string {
	w := new(words)
	w.flag(p.Keep > 0, "--keep="+strconv.Itoa(p.Keep))
	w.flag(p.OlderThan > 0, "--older-than="+p.OlderThan.String())
	w.flag(p.MaxSize > 0, "--max-size="+strconv.FormatInt(p.MaxSize, 10))
	return w.list
}

func pinWords(p txn.Pin) []string {
	w := new(words)
	w.flag(p.Off, "--unpin")
	for _, index := range p.Index {
		w.list = append(w.list, strconv.Itoa(index))
	}
	return w.list
}

// liveWords spell what is to become live as a command.
func liveWords(c txn.LiveChange) []string {
	w := &words{list: []string{"apt-ostree", "apply-live"}}
	w.flag(!c.Target.IsZero(), "--target="+c.Target.String())
	w.flag(c.Reset, "--reset")
	w.flag(c.AllowReplacement, "--allow-replacement")
	return w.list
}
