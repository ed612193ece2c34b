package ostree

import (
	"cmp"
	"path"
)

// labelPath is the path of a file below the root of the checkout, if files are
// labelled.
func (c *checkout) labelPath(d *checkoutDir, name string) string {
	if c.opts.Labels == nil {
		return ""
	}
	return d.path() + "/" + name
}

// label gives a file its label. at is the path below the root of the checkout.
func (c *checkout) label(at string, fi *FileInfo) error {
	if c.opts.Labels == nil || c.opts.UserMode {
		return nil
	}
	return setLabel(c.opts.Labels, path.Join("/", cmp.Or(c.opts.LabelPrefix, c.opts.Subpath), at), fi)
}

// labelledDir is the metadata of a directory with its label.
func (c *checkout) labelledDir(d *checkoutDir) (DirMeta, error) {
	meta := d.meta // the others of this object have other labels
	fi := FileInfo{Mode: meta.Mode, Xattrs: meta.Xattrs}
	err := c.label(d.path(), &fi)
	meta.Xattrs = fi.Xattrs
	return meta, err
}
