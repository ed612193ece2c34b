package preferences

import (
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// Phased reports whether a version is an update that this machine does not take yet: its
// Phased-Update-Percentage has not come to the machine's number, which follows from the machine and the
// source package. Only upgrades wait; who asks for a package, or has none, gets it. Security updates do
// not wait.
func (p *Policy) Phased(pkg *apt.Package) bool {
	if pkg.PhasedUpdate == 0 || p.options.PhaseAlways {
		return false
	}
	for _, o := range origins(pkg) {
		if strings.HasSuffix(o.Suite, "-security") {
			return false
		}
	}
	if p.options.PhaseNever {
		return true
	}
	if p.options.MachineID == "" {
		return false
	}
	percentage := max(pkg.PhasedUpdate, 0) // less than 0 stands for 0
	return machineNumber(pkg.Source+"-"+pkg.SourceVersion.String()+"-"+p.options.MachineID) > percentage
}

// machineNumber draws a number from 0 to 100 as APT does: with the generator minstd_rand of the C++
// standard, seeded with the text by seed_seq, and the uniform distribution of libstdc++.
func machineNumber(text string) int {
	const (
		multiplier = 48271
		modulus    = 1<<31 - 1
		numbers    = 101
		scaling    = (modulus - 2) / numbers
	)
	x := uint64(seed([]byte(text))[3] % modulus)
	if x == 0 {
		x = 1
	}
	for {
		x = x * multiplier % modulus
		if r := x - 1; r < numbers*scaling {
			return int(r / scaling)
		}
	}
}

// seed is seed_seq::generate of the C++ standard (rand.util.seedseq) for four numbers.
func seed(values []byte) [4]uint32 {
	const n = 4
	var a [n]uint32
	for i := range a {
		a[i] = 0x8b8b8b8b
	}
	mix := func(x uint32) uint32 { return x ^ x>>27 }
	steps := max(len(values)+1, n)
	for k := range steps {
		r1 := 1664525 * mix(a[k%n]^a[(k+1)%n]^a[(k+n-1)%n])
		r2 := r1
		switch {
		case k == 0:
			r2 += uint32(len(values))
		case k <= len(values):
			r2 += uint32(k%n) + uint32(int8(values[k-1]))
		default:
			r2 += uint32(k % n)
		}
		a[(k+1)%n] += r1
		a[(k+2)%n] += r2
		a[k%n] = r2
	}
	for k := steps; k < steps+n; k++ {
		r3 := 1566083941 * mix(a[k%n]+a[(k+1)%n]+a[(k+n-1)%n])
		r4 := r3 - uint32(k%n)
		a[(k+1)%n] ^= r3
		a[(k+2)%n] ^= r4
		a[k%n] = r4
	}
	return a
}
