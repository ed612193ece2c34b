package oci

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Labels of the configuration, which are annotations of the manifest as well.
const (
	LabelCommit      = "ostree.commit"       // checksum of the commit
	LabelFinalDiffID = "ostree.final-diffid" // the last layer that belongs to it
	LabelBootable    = "ostree.bootable"     // "true" for a system that boots
	LabelBootc       = "containers.bootc"    // "1" for the same
	LabelVersion     = "version"             // of the commit, for older readers
	labelLinux       = ostree.MetadataLinux  // of the kernel
	labelOCIVersion  = "org.opencontainers.image.version"
	labelCreated     = "org.opencontainers.image.created"
	annotationParts  = "ostree.components" // the components of a layer, comma separated
)

// config makes the image's configuration.
func (o *ExportOptions) config(commit *ostree.Commit, c ostree.Checksum, layers []Layer) (*v1.ConfigFile, map[string]string, error) {
	labels, err := o.labels(commit, c, layers)
	if err != nil {
		return nil, nil, err
	}
	created := o.Created
	if created.IsZero() {
		created = commit.Timestamp
	}
	file := &v1.ConfigFile{
		Architecture: cmp.Or(o.Architecture, commit.Metadata.Str(ostree.MetadataArchitecture), runtime.GOARCH), OS: "linux",
		Created: v1.Time{Time: created.UTC()}, RootFS: v1.RootFS{Type: "layers"},
	}
	if len(o.Config) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(o.Config))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&file.Config); err != nil {
			return nil, nil, fmt.Errorf("container configuration: %w", err)
		}
	}
	if len(o.Cmd) > 0 {
		file.Config.Cmd = o.Cmd
	}
	merged := maps.Clone(file.Config.Labels)
	if merged == nil {
		merged = make(map[string]string)
	}
	maps.Copy(merged, labels)
	file.Config.Labels = merged
	title := commit.Subject
	if title == "" {
		title = "ostree export of commit " + c.String()
	}
	for _, l := range layers {
		sum, err := v1.NewHash(l.DiffID)
		if err != nil {
			return nil, nil, err
		}
		file.RootFS.DiffIDs = append(file.RootFS.DiffIDs, sum)
		file.History = append(file.History, v1.History{Created: file.Created, CreatedBy: cmp.Or(l.Title, title)})
	}
	return file, labels, nil
}

// labels are those that the commit gives, and those that were asked for.
func (o *ExportOptions) labels(commit *ostree.Commit, c ostree.Checksum, layers []Layer) (map[string]string, error) {
	m := commit.Metadata
	labels := map[string]string{LabelCommit: c.String(), LabelFinalDiffID: layers[len(layers)-1].DiffID}
	for _, key := range slices.Concat(o.CopyMeta, o.CopyMetaOptional) {
		v, ok := m.Lookup(key)
		if !ok && slices.Contains(o.CopyMeta, key) {
			return nil, fmt.Errorf("the commit's metadata has no key %q to copy", key)
		}
		if !ok {
			continue
		}
		text, err := v.Str()
		if err != nil {
			return nil, fmt.Errorf("metadata %q is not a string and cannot be a label: %w", key, err)
		}
		labels[key] = text
	}
	if v, ok := m.Lookup(ostree.MetadataBootable); ok {
		bootable, err := v.Bool()
		if err != nil {
			return nil, fmt.Errorf("metadata %q: %w", ostree.MetadataBootable, err)
		}
		labels[LabelBootable] = fmt.Sprint(bootable)
		if bootable {
			labels[LabelBootc] = "1"
		}
	}
	if kernel := m.Str(ostree.MetadataLinux); kernel != "" {
		labels[labelLinux] = kernel
	}
	if version := m.Str(ostree.MetadataVersion); version != "" {
		labels[LabelVersion], labels[labelOCIVersion] = version, version
	}
	maps.Copy(labels, o.Labels)
	return labels, nil
}

// writeManifest stores configuration and manifest.
func writeManifest(store *layoutStore, config *v1.ConfigFile, layers []Layer, labels map[string]string) (*v1.Descriptor, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	sum, err := store.put(data)
	if err != nil {
		return nil, err
	}
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: labels,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Size: int64(len(data)), Digest: sum},
	}
	for _, l := range layers {
		digest, err := v1.NewHash(l.Digest)
		if err != nil {
			return nil, err
		}
		d := v1.Descriptor{MediaType: types.OCILayer, Size: l.Size, Digest: digest}
		if l.Components != nil {
			d.Annotations = map[string]string{annotationParts: strings.Join(l.Components, ",")}
		}
		manifest.Layers = append(manifest.Layers, d)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	if sum, err = store.put(text); err != nil {
		return nil, err
	}
	return &v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: int64(len(text)), Digest: sum,
		Platform: &v1.Platform{Architecture: config.Architecture, OS: config.OS},
	}, nil
}
