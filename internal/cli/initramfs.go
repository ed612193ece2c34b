package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func (a *app) initramfsCommand() *cobra.Command {
	var flags changeFlags
	var i txn.Initramfs
	c := &cobra.Command{
		Use:     "initramfs",
		Example: "  apt-ostree initramfs --enable\n  apt-ostree initramfs --disable",
		Short:   "Switch making the initramfs on this machine on or off",
		Long: "Make the initramfs on this machine, with every change, instead of using that of the base; or use that again.\n" +
			"Without options, show how it is.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if i.Enable || i.Disable {
				return a.change(c.Context(), txn.Change{Initramfs: &i}, flags, "No change.")
			}
			if flags.reboot || len(i.Args) > 0 {
				return errors.New("--reboot and --arg need --enable or --disable")
			}
			return a.showInitramfs(c.Context())
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addCacheOnly(c)
	flags.addBoot(c)
	c.Flags().BoolVar(&i.Enable, "enable", false, "make it on this machine")
	c.Flags().BoolVar(&i.Disable, "disable", false, "use that of the base")
	c.Flags().StringArrayVar(&i.Args, "arg", nil, "argument for dracut")
	c.MarkFlagsMutuallyExclusive("enable", "disable")
	return c
}

// next is the deployment that boots next.
func (a *app) next(ctx context.Context) (*txn.DeploymentStatus, error) {
	system, err := a.system(ctx)
	if err != nil {
		return nil, err
	}
	status, err := system.Status(ctx)
	if err := errors.Join(err, system.Close()); err != nil {
		return nil, err
	}
	for _, d := range status.Deployments {
		if a.stateroot == "" || d.Osname == a.stateroot {
			return &d, nil
		}
	}
	return nil, errors.New("nothing is deployed")
}

func (a *app) showInitramfs(ctx context.Context) error {
	d, err := a.next(ctx)
	if err != nil {
		return err
	}
	state := "disabled"
	if d.RegenerateInitramfs {
		state = "enabled"
	}
	a.printf("Initramfs regeneration: %s\n", state)
	if len(d.InitramfsArgs) > 0 {
		a.printf("Initramfs args: %s\n", strings.Join(d.InitramfsArgs, " "))
	}
	return nil
}

func (a *app) initramfsEtcCommand() *cobra.Command {
	var flags changeFlags
	var i txn.InitramfsEtc
	c := &cobra.Command{
		Use:     "initramfs-etc",
		Example: "  apt-ostree initramfs-etc --track=/etc/crypttab",
		Short:   "Let the initramfs have files of /etc",
		Long: "Track files and directories of /etc that are needed before the root file system is there: the kernel gets them as\n" +
			"an initrd beside that of the base. With every change they are taken as they are then. Without options, list them.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(i.Track)+len(i.Untrack) > 0 || i.UntrackAll || i.ForceSync {
				return a.change(c.Context(), txn.Change{InitramfsEtc: &i}, flags, "No changes.")
			}
			if flags.reboot {
				return errors.New("--reboot needs a change of the tracked files")
			}
			return a.showInitramfsEtc(c.Context())
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addBoot(c)
	c.Flags().StringArrayVar(&i.Track, "track", nil, "track this `FILE`")
	c.Flags().StringArrayVar(&i.Untrack, "untrack", nil, "track this `FILE` no longer")
	c.Flags().BoolVar(&i.UntrackAll, "untrack-all", false, "track nothing")
	c.Flags().BoolVar(&i.ForceSync, "force-sync", false, "take up files that were edited")
	return c
}

func (a *app) showInitramfsEtc(ctx context.Context) error {
	d, err := a.next(ctx)
	if err != nil {
		return err
	}
	if len(d.InitramfsEtc) == 0 {
		a.printf("No files tracked.\n")
		return nil
	}
	a.printf("Tracked files:\n")
	for _, file := range d.InitramfsEtc {
		a.printf("  %s\n", file)
	}
	return nil
}

func initramfsWords(i txn.Initramfs) []string {
	w := new(words)
	w.flag(i.Enable, "--enable")
	w.flag(i.Disable, "--disable")
	w.option("--arg=", i.Args, "")
	return w.list
}

func initramfsEtcWords(i txn.InitramfsEtc) []string {
	w := new(words)
	w.option("--track=", i.Track, "")
	w.option("--untrack=", i.Untrack, "")
	w.flag(i.UntrackAll, "--untrack-all")
	w.flag(i.ForceSync, "--force-sync")
	return w.list
}
