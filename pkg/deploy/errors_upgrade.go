package deploy

import "fmt"

// NoDeploymentError says that a stateroot has no deployment yet, so there is nothing to upgrade.
type NoDeploymentError struct {
	Stateroot string
}

// Error names the stateroot and the way out.
func (e *NoDeploymentError) Error() string {
	return fmt.Sprintf("stateroot %s has no deployment yet; make the first one with \"ostree admin deploy\"", e.Stateroot)
}

// NoOriginError says that nobody knows what a deployment follows.
type NoOriginError struct {
	// Name is that of the deployment.
	Name string
	// Missing tells that it has no origin file at all, instead of one without a refspec.
	Missing bool
	// Layered tells that the origin has a refspec, but only as the base of what is layered on it.
	Layered bool
}

// Error names the deployment and the way out.
func (e *NoOriginError) Error() string {
	what := "its origin names no refspec"
	switch {
	case e.Layered:
		return fmt.Sprintf("deployment %s is assembled on this machine; upgrade it with what did that, \"apt-ostree upgrade\"", e.Name)
	case e.Missing:
		what = "it has no origin"
	}
	return fmt.Sprintf("deployment %s cannot be upgraded: %s; set one with \"ostree admin set-origin\"", e.Name, what)
}

// UnconfiguredError says that a system must be configured before it can be upgraded.
type UnconfiguredError struct {
	// State is what its vendor says about it in the origin.
	State string
}

// Error says what the vendor says.
func (e *UnconfiguredError) Error() string {
	return "the origin says that this system is not configured for upgrades: " + e.State
}

// UnlockedError says that the /usr of a deployment is writable already.
type UnlockedError struct {
	// Name is that of the deployment, State how it was unlocked.
	Name, State string
}

// Error names the deployment and its state.
func (e *UnlockedError) Error() string {
	return fmt.Sprintf("deployment %s is unlocked already (%s); reboot to lock it", e.Name, e.State)
}
