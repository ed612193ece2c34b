package deploy

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Deployment is a deployment as it was when the list was read. It is a value: changing it changes
// nothing on disk.
type Deployment struct {
	// Stateroot is the group of deployments it belongs to.
	Stateroot string
	// Checksum is the deployed commit.
	Checksum ostree.Checksum
	// Serial tells deployments of one commit in one stateroot apart.
	Serial int
	// BootChecksum identifies kernel, initramfs and device tree, BootSerial tells deployments that
	// share them apart.
	BootChecksum string
	BootSerial   int
	// Index is the place in the list. The first one, or the first that is not staged, is the
	// default of the boot loader.
	Index int
	// Booted marks the running deployment, Pending the one that boots next instead, Rollback the one
	// after the running one. Nothing is marked when nothing of this sysroot is running.
	Booted, Pending, Rollback bool
	// Staged marks the deployment that is written to the boot loader at shutdown, Locked that it is
	// not, until it is unlocked.
	Staged, Locked bool
	// Pinned deployments are kept until they are unpinned.
	Pinned bool
	// BootFailure is why it was found not to work, "" when it was not; see [Sysroot.AssessBoot].
	BootFailure string
	// Unlocked is "", "development", "transient" or "hotfix": how /usr was made writable.
	Unlocked string
	// Origin is what it follows; nil when it has no origin file.
	Origin *origin.Origin
	// Kargs are the kernel arguments without those that name the deployment.
	Kargs kargs.Args
	// Version, SourceTitle and Timestamp come from the commit; empty when that has none or is missing.
	Version, SourceTitle string
	Timestamp            time.Time
	// Path is the directory of the deployment.
	Path string

	// args are the kernel arguments with those that name the deployment, which keep their place.
	args kargs.Args
	// entry is its boot entry, empty before it has one.
	entry *bootentry.Entry
	// file is the name of that.
	file bootentry.Name
	// overlays are the names of initrds that are loaded after that of the commit, until they are in
	// the boot entry.
	overlays []string
}

// Name returns "CHECKSUM.SERIAL", which is unique in a stateroot.
func (d Deployment) Name() string { return deploymentName(d.Checksum, d.Serial) }

// Same reports whether both describe the same deployment.
func (d Deployment) Same(other Deployment) bool {
	return d.Stateroot == other.Stateroot && d.Checksum == other.Checksum && d.Serial == other.Serial
}

func deploymentName(c ostree.Checksum, serial int) string { return fmt.Sprintf("%s.%d", c, serial) }

// deploymentNamePattern is what libostree accepts as the name of a deployment directory.
var deploymentNamePattern = regexp.MustCompile(`^([0-9a-f]{64})\.([0-9]{1,9})$`)

// parseDeploymentName reads the name of a deployment directory.
func parseDeploymentName(name string) (c ostree.Checksum, serial int, ok bool) {
	m := deploymentNamePattern.FindStringSubmatch(name)
	if m == nil {
		return c, 0, false
	}
	c, err := ostree.ParseChecksum(m[1])
	if err != nil {
		return c, 0, false
	}
	serial, err = strconv.Atoi(m[2])
	return c, serial, err == nil
}

// The places of a deployment, as paths on disk.

func (s *Sysroot) deployDir(stateroot string) string {
	return filepath.Join(s.path, "ostree/deploy", stateroot, "deploy")
}

func (s *Sysroot) deploymentPath(d Deployment) string {
	return filepath.Join(s.deployDir(d.Stateroot), d.Name())
}

func (s *Sysroot) originPath(d Deployment) string { return s.deploymentPath(d) + ".origin" }

func (s *Sysroot) backingPath(d Deployment) string {
	return filepath.Join(s.path, "ostree/deploy", d.Stateroot, "backing", d.Name())
}
