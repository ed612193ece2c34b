// Package conf reads the configuration of apt, in the syntax of apt.conf(5).
//
//	c, err := conf.Load("/")
//	recommends := c.Bool("APT::Install-Recommends", true)
//	kernels := c.List("APT::NeverAutoRemove")
//
// A [Config] is a tree of options whose names are separated by "::" and compared without regard to
// case. Which options mean something is for the callers to know; here are only those that need more
// than a look-up: [Config.Proxy] and [Config.Architectures].
package conf
