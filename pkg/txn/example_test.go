package txn_test

import (
	"context"
	"fmt"
	"log"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// A plan is a preview: it changes nothing. Applying it does exactly what it shows.
func ExampleSystem_Plan() {
	ctx := context.Background()
	system, err := txn.Open(ctx, "/", txn.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer system.Close()
	change := txn.Change{Install: []string{"nginx"}}
	plan, err := system.Plan(ctx, change)
	if err != nil {
		for _, remedy := range txn.Advise(err, change) {
			fmt.Println("hint:", remedy.Text)
		}
		log.Fatal(err)
	}
	for _, p := range plan.Packages {
		fmt.Println(p.Name, p.Version, p.Suite)
	}
	deployment, err := system.Apply(ctx, plan, txn.ApplyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("boots next:", deployment.Checksum)
}
