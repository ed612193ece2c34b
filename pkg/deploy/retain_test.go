package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// describe makes deployments out of words: a letter, then "!" if it is running, "^" if it is pinned,
// "@" if it belongs to another stateroot.
func describe(text string) []deploy.Deployment {
	var list []deploy.Deployment
	for word := range strings.FieldsSeq(text) {
		d := deploy.Deployment{Stateroot: "os", Checksum: ostree.Checksum{word[0]}, Version: word[:1]}
		d.Booted, d.Pinned = strings.Contains(word, "!"), strings.Contains(word, "^")
		if strings.Contains(word, "@") {
			d.Stateroot = "other"
		}
		list = append(list, d)
	}
	return list
}

// The results are those of ostree_sysroot_simple_write_deployment.
func TestRetain(t *testing.T) {
	t.Parallel()
	pending, rollback, all := deploy.Retain{Pending: true}, deploy.Retain{Rollback: true}, deploy.Retain{All: true}
	for name, c := range map[string]struct {
		retain     deploy.Retain
		list       string
		merge      string
		notDefault bool
		want       string
	}{
		"the first":                      {list: "", want: "n"},
		"merge is the rollback":          {list: "a b", merge: "a", want: "n a"},
		"nothing to merge":               {list: "a b", want: "n"},
		"running is the rollback":        {list: "a b! c", merge: "b", want: "n b"},
		"pinned and other stateroots":    {list: "a^ x@ b! c^ y@", merge: "b", want: "n a x b c y"},
		"pending too":                    {retain: pending, list: "a b! c", merge: "b", want: "n a b"},
		"rollback too":                   {retain: rollback, list: "a b! c", merge: "b", want: "n b c"},
		"all":                            {retain: all, list: "a b! c", merge: "b", want: "n a b c"},
		"rollback with nothing to tell":  {retain: rollback, list: "a b c", want: "n a b c"},
		"pending before the merge":       {retain: pending, list: "a b c", merge: "b", want: "n a b"},
		"not the default":                {list: "a b! c", merge: "b", notDefault: true, want: "b n"},
		"not the default, all":           {retain: all, list: "a b! c", merge: "b", notDefault: true, want: "a b n c"},
		"not the default, first":         {list: "", notDefault: true, want: "n"},
		"not the default, after merge":   {list: "a b", merge: "a", notDefault: true, want: "a n"},
		"merge is not the running one":   {list: "a b! c", merge: "c", want: "n b c"},
		"running belongs to another one": {list: "x@! a b", merge: "a", want: "n x a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := describe(c.list)
			var merge *deploy.Deployment
			if at := slices.IndexFunc(list, func(d deploy.Deployment) bool { return d.Version == c.merge }); at >= 0 {
				merge = &list[at]
			}
			got := c.retain.Insert(list, describe("n")[0], merge, c.notDefault)
			require.Equal(t, c.want, strings.Join(versions(got), " "))
		})
	}
}
