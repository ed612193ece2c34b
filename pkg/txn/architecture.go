package txn

import "runtime"

// NativeArchitecture is Debian's name for the architecture this program was built for, from the
// table in deb-architectures (dpkg's cputable and tupletable).
func NativeArchitecture() string {
	switch runtime.GOARCH {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	case "mips64le":
		return "mips64el"
	case "ppc64le":
		return "ppc64el"
	}
	return runtime.GOARCH
}
