package main

import (
	"fmt"
	"time"
)

// formatSize writes a number of bytes like GLib's g_format_size: powers of
// 1000, one decimal, and a no-break space before the unit.
func formatSize(n uint64) string {
	if n < 1000 {
		if n == 1 {
			return "1 byte"
		}
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n), -1
	for value >= 1000 && unit < 5 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f\u00a0%cB", value, "kMGTPE"[unit])
}

// formatTime writes a time like show and log do.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 +0000") }
