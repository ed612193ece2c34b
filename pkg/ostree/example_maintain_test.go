package ostree_test

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Read every object that a commit needs and compare it with its checksum.
func ExampleRepo_Fsck() {
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	report, err := repo.Fsck(context.Background(), ostree.FsckOptions{})
	check(err)
	fmt.Printf("%d commits, %d objects, %d problems\n", report.Commits, report.Objects, len(report.Problems))
	// Output: 2 commits, 15 objects, 0 problems
}

// Keep only the newest commit of each ref.
func ExampleRepo_Prune() {
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	report, err := repo.Prune(context.Background(), ostree.PruneOptions{RefsOnly: true, Depth: 0})
	check(err)
	fmt.Printf("%d of %d objects removed\n", report.Deleted, report.Total)
	// Output: 6 of 15 objects removed
}
