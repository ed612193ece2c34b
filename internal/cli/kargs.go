package cli

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// kargsFlags are the options of kargs that are not parts of a change.
type kargsFlags struct {
	index      int
	importProc bool
	editor     bool
}

func (a *app) kargsCommand() *cobra.Command {
	var flags changeFlags
	var f kargsFlags
	var k txn.Kargs
	c := &cobra.Command{
		Use:     "kargs",
		Example: "  apt-ostree kargs --append-if-missing=panic=30\n  apt-ostree kargs --delete=quiet",
		Short:   "Show or change kernel arguments",
		Long: "Show the kernel arguments of the deployment that boots next, or make a new deployment with others. Changes are\n" +
			"made in this order: delete, replace, append, append-if-missing, delete-if-present. Neither a remote nor an archive\n" +
			"is needed.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("deploy-index") {
				k.DeployIndex = &f.index
			}
			return a.kargs(c.Context(), k, f, flags)
		},
	}
	a.sysrootFlags(c)
	flags.add(c)
	flags.addBoot(c)
	o := c.Flags()
	o.StringArrayVar(&k.Append, "append", nil, "add this argument, `KEY=VALUE`, at the end")
	o.StringArrayVar(&k.Replace, "replace", nil, "give an argument another value, `KEY=VALUE`, or KEY=OLD=NEW if it has several")
	o.StringArrayVar(&k.Delete, "delete", nil, "delete an argument, `KEY=VALUE`, or KEY if it has one value")
	o.StringArrayVar(&k.AppendIfMissing, "append-if-missing", nil, "like --append, unless it is there")
	o.StringArrayVar(&k.DeleteIfPresent, "delete-if-present", nil, "like --delete, if it is there")
	o.IntVar(&f.index, "deploy-index", 0, "show or start from the arguments of the deployment at this `INDEX`")
	o.BoolVar(&f.importProc, "import-proc-cmdline", false, "start from the arguments of the running kernel")
	o.BoolVar(&f.editor, "editor", false, "edit the arguments in $EDITOR")
	c.MarkFlagsMutuallyExclusive("deploy-index", "import-proc-cmdline")
	c.MarkFlagsMutuallyExclusive("delete", "replace")
	for _, other := range []string{"append", "replace", "delete", "append-if-missing", "delete-if-present"} {
		c.MarkFlagsMutuallyExclusive("editor", other)
	}
	return c
}

// kargs shows or changes kernel arguments.
func (a *app) kargs(ctx context.Context, k txn.Kargs, f kargsFlags, flags changeFlags) error {
	if f.importProc {
		text, err := os.ReadFile("/proc/cmdline")
		if err != nil {
			return err
		}
		k.From = append([]string{}, kargs.FromProc(string(text))...)
	}
	edits := len(k.Append)+len(k.Replace)+len(k.Delete)+len(k.AppendIfMissing)+len(k.DeleteIfPresent) > 0
	switch {
	case f.editor:
		if err := a.editKargs(ctx, &k); err != nil {
			return err
		}
		if k.From == nil && flags.unchanged {
			return a.nothing("No changes.", flags)
		}
		if k.From == nil {
			return errors.New("the kernel arguments were not changed")
		}
	case !edits && !f.importProc:
		if flags.reboot {
			return errors.New("--reboot needs a change of the kernel arguments")
		}
		args, err := a.presentKargs(ctx, k)
		if err == nil {
			a.printf("%s\n", strings.Join(args, " "))
		}
		return err
	}
	return a.change(ctx, txn.Change{Kargs: &k}, flags, "No changes.")
}

// presentKargs are the arguments to show or to start from.
func (a *app) presentKargs(ctx context.Context, k txn.Kargs) ([]string, error) {
	if k.From != nil {
		return k.From, nil
	}
	system, err := a.system(ctx)
	if err != nil {
		return nil, err
	}
	args, err := system.KernelArguments(ctx, k.DeployIndex)
	return args, errors.Join(err, system.Close())
}

const editText = `
# Edit the line above. Lines that begin with # and empty lines are left out, and arguments may stand on
# several lines. An argument with spaces needs double quotes.
`

// editKargs lets the user edit the arguments. k.From is nil if nothing was changed.
func (a *app) editKargs(ctx context.Context, k *txn.Kargs) error {
	if a.Edit == nil {
		return errors.New("this program has no editor to start")
	}
	present, err := a.presentKargs(ctx, txn.Kargs{})
	if err != nil {
		return err
	}
	from, err := a.presentKargs(ctx, *k)
	if err != nil {
		return err
	}
	edited, err := a.editText(ctx, kargs.Args(from).String()+"\n"+editText)
	if err != nil {
		return err
	}
	var args kargs.Args
	for line := range strings.Lines(edited) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			args = append(args, kargs.Parse(line)...)
		}
	}
	switch {
	case len(args) == 0:
		return errors.New("the kernel arguments are empty; nothing is changed")
	case args.Has("ostree"):
		return errors.New("the kernel argument ostree= names the deployment and must not be given")
	}
	k.DeployIndex, k.Seen, k.From = nil, append([]string{}, present...), nil
	if args.String() != kargs.Args(present).String() {
		k.From = args
	}
	return nil
}

// editText has a text edited in a file.
func (a *app) editText(ctx context.Context, text string) (string, error) {
	f, err := os.CreateTemp("", "apt-ostree-kargs-"+strconv.Itoa(os.Getpid())+"-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a small file in the temporary directory
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if err := a.Edit(ctx, f.Name()); err != nil {
		return "", err
	}
	edited, err := os.ReadFile(f.Name())
	return string(edited), err
}

// kargsWords are the options of kargs.
func kargsWords(k txn.Kargs) []string {
	w := new(words)
	w.option("--delete=", k.Delete, "")
	w.option("--replace=", k.Replace, "")
	w.option("--append=", k.Append, "")
	w.option("--append-if-missing=", k.AppendIfMissing, "")
	w.option("--delete-if-present=", k.DeleteIfPresent, "")
	if k.DeployIndex != nil {
		w.list = append(w.list, "--deploy-index="+strconv.Itoa(*k.DeployIndex))
	}
	w.flag(k.From != nil, "--editor")
	return w.list
}
