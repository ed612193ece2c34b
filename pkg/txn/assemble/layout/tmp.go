package layout

import "context"

const (
	tmpUnit    = units + "/tmp.mount"
	tmpWant    = units + "/local-fs.target.wants/tmp.mount"
	tmpShipped = "usr/share/systemd/tmp.mount" // Debian 12 has it there, for those who want it
)

// tmp mounts a tmpfs on /tmp, as Debian 13 does by itself: the root of a deployment may be
// read-only, and what is in it does not go away.
func (f *folder) tmp(ctx context.Context) error {
	_, ok, err := f.entry(tmpShipped)
	if err != nil || !ok {
		return err
	}
	if _, ok, err := f.entry(tmpUnit); err != nil || ok {
		return err
	}
	if err := f.link(ctx, tmpUnit, relative(tmpUnit, tmpShipped)); err != nil {
		return err
	}
	return f.link(ctx, tmpWant, "../tmp.mount")
}

// tmpLinks lists the links that tmp made.
func (f *files) tmpLinks(ctx context.Context) ([]string, error) {
	target, ok, err := f.target(ctx, tmpUnit)
	if err != nil || !ok || target != relative(tmpUnit, tmpShipped) {
		return nil, err
	}
	return []string{tmpUnit, tmpWant}, nil
}
