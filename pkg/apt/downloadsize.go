package apt

// DownloadSize returns how many bytes [Client.Download] of these packages would transfer: the
// sizes of those that are neither local files nor in the cache.
func (c *Client) DownloadSize(packages []*Package) (int64, error) {
	var total int64
	for _, p := range packages {
		if p.Path != "" {
			continue
		}
		item, err := checkDownload(p)
		if err != nil {
			return 0, err
		}
		there, err := c.cache.Has(item.Checksums)
		if err != nil {
			return 0, err
		}
		if !there {
			total += p.Size
		}
	}
	return total, nil
}
