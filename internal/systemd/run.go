package systemd

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Run runs a program in a unit of its own, in the environment that the service manager gives to units, and waits for
// its end: what the unit of this process is kept from does not concern it. What it prints is in the error if it fails.
func Run(ctx context.Context, argv ...string) error {
	words := append([]string{"systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--"}, argv...)
	if argv[0] == "systemctl" { // it only asks the manager, and may have that reload its units
		words = argv
	}
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
