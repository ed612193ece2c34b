package image

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// espFile is a file for the EFI system partition.
type espFile struct {
	path string // in the partition, like EFI/BOOT/BOOTX64.EFI
	data []byte
}

// removablePath is what firmware starts when it knows nothing of the disk (UEFI specification, 3.5.1.1).
const removablePath = "EFI/BOOT/BOOTX64.EFI"

// serial is the number of the file system.
func (g guid) serial() string { return hex.EncodeToString(g[:4]) }

// espTree reads the files of a directory, of none if it is "".
func espTree(dir string) ([]espFile, error) {
	if dir == "" {
		return nil, nil
	}
	var files []espFile
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files = append(files, espFile{filepath.ToSlash(rel), data})
		return err
	})
	return files, err
}

// writeESP makes the EFI system partition, which is FAT.
func writeESP(ctx context.Context, disk string, p partition, id guid, files []espFile, scratch string) error {
	// Clusters of one sector, or there are too few for what firmware takes for FAT32.
	_, err := run(ctx, "mkfs.vfat", "-F", "32", "-s", "1", "-n", "ESP", "-i", id.serial(), "--offset", fmt.Sprint(p.start/sectorSize), disk, fmt.Sprint(p.size/1024))
	if err != nil {
		return fmt.Errorf("EFI system partition: %w", err)
	}
	device := fmt.Sprintf("%s@@%d", disk, p.start)
	var made []string
	for _, f := range files {
		for _, dir := range parents(f.path) {
			if slices.Contains(made, dir) {
				continue
			}
			made = append(made, dir)
			if _, err := run(ctx, "mmd", "-i", device, "::"+dir); err != nil {
				return fmt.Errorf("EFI system partition: %w", err)
			}
		}
		source := filepath.Join(scratch, "esp-file")
		if err := os.WriteFile(source, f.data, 0o600); err != nil {
			return err
		}
		if _, err := run(ctx, "mcopy", "-o", "-i", device, source, "::"+f.path); err != nil {
			return fmt.Errorf("EFI system partition: %w", err)
		}
	}
	return nil
}

// parents returns the directories that lead to a file, the outermost first.
func parents(file string) []string {
	var all []string
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		all = slices.Insert(all, 0, dir)
	}
	return all
}
