package txn

import (
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// describeReplaced sorts the packages in the place of the base's by where they came from: files, or the
// suite that the origin follows.
func describeReplaced(out *DeploymentStatus, commit *ostree.Commit) error {
	pairs, err := replacedJSON(commit)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		source := suiteOf(out, pair)
		if source == "" {
			out.BaseLocalReplacements = append(out.BaseLocalReplacements, pair)
			continue
		}
		list, _ := out.BaseRemoteReplacements[source].([]any)
		out.BaseRemoteReplacements[source] = append(list, pair)
	}
	return nil
}

// suiteOf is the repo=SUITE that a replacement follows, "" for one that is a file.
func suiteOf(out *DeploymentStatus, pair any) string {
	both, _ := pair.([]any)
	if len(both) == 0 {
		return ""
	}
	fields, _ := both[0].([]any)
	if len(fields) != 6 {
		return ""
	}
	name, _ := fields[1].(string)
	arch, _ := fields[5].(string)
	for _, remote := range out.RequestedBaseRemoteReplacements {
		words, _ := remote[1].([]string)
		if slices.Contains(words, name) || slices.Contains(words, name+":"+arch) {
			source, _ := remote[0].(string)
			return source
		}
	}
	return ""
}
