// Package compose builds base commits on a server: a [Treefile] says which packages from which
// archives make the system and how it is finished, a [Composer] resolves it to a [Plan], and
// applying the plan writes the commit and its ref in one step.
//
//	tree, err := compose.Load("host.yaml", compose.LoadOptions{Architecture: "amd64"})
//	composer, err := compose.New(compose.Options{Repo: repo, Treefile: tree, CacheDir: dir})
//	plan, err := composer.Plan(ctx)
//	result, err := composer.Apply(ctx, plan, nil)
//
// The same treefile, archive state and clock give the same tree on any machine, whatever is in
// the caches. A compose whose inputs did not change since the parent commit writes nothing.
package compose
