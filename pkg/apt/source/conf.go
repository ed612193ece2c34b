package source

import (
	"slices"
	"strconv"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
)

// ApplyConf returns sources with the defaults of apt.conf(5) filled in where an entry leaves an
// option open: Acquire::Check-Valid-Until, Check-Date, Min-ValidTime, Max-ValidTime,
// Max-FutureTime and By-Hash. The argument is not changed.
func ApplyConf(sources []Source, c *conf.Config) []Source {
	out := slices.Clone(sources)
	for i := range out {
		s := &out[i]
		setDefault(&s.CheckValidUntil, c.LookupBool("Acquire::Check-Valid-Until"))
		setDefault(&s.CheckDate, c.LookupBool("Acquire::Check-Date"))
		setDefault(&s.ValidUntilMin, seconds(c, "Acquire::Min-ValidTime"))
		setDefault(&s.ValidUntilMax, seconds(c, "Acquire::Max-ValidTime"))
		setDefault(&s.DateMaxFuture, seconds(c, "Acquire::Max-FutureTime"))
		if b := c.LookupBool("Acquire::By-Hash"); s.ByHash == "" && b != nil {
			s.ByHash = map[bool]ByHash{true: ByHashYes, false: ByHashNo}[*b]
		} else if s.ByHash == "" && c.Get("Acquire::By-Hash") == string(ByHashForce) {
			s.ByHash = ByHashForce
		}
	}
	return out
}

func setDefault[T any](field **T, value *T) {
	if *field == nil {
		*field = value
	}
}

// seconds reads a number of seconds; 0 and what is no number leave the matter open, as in apt.
func seconds(c *conf.Config, name string) *time.Duration {
	n, err := strconv.ParseInt(c.Get(name), 10, 32)
	if err != nil || n <= 0 {
		return nil
	}
	d := time.Duration(n) * time.Second
	return &d
}
