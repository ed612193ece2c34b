package kargs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]kargs.Args{
		"":                          nil,
		"   ":                       nil,
		"quiet":                     {"quiet"},
		"  a   b=1  b=2 ":           {"a", "b=1", "b=2"},
		`dyndbg="file a +p" x`:      {`dyndbg="file a +p"`, "x"},
		`a "b c`:                    {"a", `"b c`},
		"root=UUID=1-2 empty= last": {"root=UUID=1-2", "empty=", "last"},
	} {
		require.Equal(t, want, kargs.Parse(line), "%q", line)
	}
}

func TestFromProcLeavesOutWhatBelongsToOneBoot(t *testing.T) {
	t.Parallel()
	got := kargs.FromProc("BOOT_IMAGE=/ostree/x/vmlinuz root=LABEL=a initrd=\\i.img ostree=/ostree/boot.1/o/c/0 rw\n")
	require.Equal(t, "root=LABEL=a rw", got.String())
}

func TestLookup(t *testing.T) {
	t.Parallel()
	args := kargs.Parse("console=tty0 quiet console=ttyS0 empty=")
	value, ok := args.Get("console")
	require.True(t, ok)
	require.Equal(t, "ttyS0", value, "the last one counts")
	require.Equal(t, []string{"tty0", "ttyS0"}, args.Values("console"))
	require.True(t, args.Has("quiet"))
	require.False(t, args.Has("qui"))
	_, ok = args.Get("nope")
	require.False(t, ok)
	require.Equal(t, "quiet empty=", args.Without("console").String())
}

func TestEdit(t *testing.T) {
	t.Parallel()
	const start = "root=LABEL=a console=tty0 console=ttyS0 quiet one=1"
	for name, c := range map[string]struct {
		edit kargs.Edit
		want string
		err  string
	}{
		"nothing":                        {kargs.Edit{}, start, ""},
		"append keeps duplicates":        {kargs.Edit{Append: []string{"quiet x=1"}}, start + " quiet x=1", ""},
		"append if missing":              {kargs.Edit{AppendIfMissing: []string{"quiet", "console=tty1"}}, start + " console=tty1", ""},
		"replace single":                 {kargs.Edit{Replace: []string{"one=2"}}, "root=LABEL=a console=tty0 console=ttyS0 quiet one=2", ""},
		"replace in place":               {kargs.Edit{Replace: []string{"console=tty0=tty9"}}, "root=LABEL=a console=tty9 console=ttyS0 quiet one=1", ""},
		"replace by key without value":   {kargs.Edit{Replace: []string{"one"}}, "root=LABEL=a console=tty0 console=ttyS0 quiet one", ""},
		"replace ambiguous":              {kargs.Edit{Replace: []string{"console=x"}}, "", `kernel argument "console" has 2 values (tty0, ttyS0): say which one as console=VALUE`},
		"replace missing key":            {kargs.Edit{Replace: []string{"nope=x"}}, "", `kernel argument "nope" not found`},
		"replace missing value":          {kargs.Edit{Replace: []string{"console=tty7=x"}}, "", `kernel argument "console=tty7" not found`},
		"delete by key":                  {kargs.Edit{Delete: []string{"one"}}, "root=LABEL=a console=tty0 console=ttyS0 quiet", ""},
		"delete by value":                {kargs.Edit{Delete: []string{"console=tty0"}}, "root=LABEL=a console=ttyS0 quiet one=1", ""},
		"delete ambiguous":               {kargs.Edit{Delete: []string{"console"}}, "", "has 2 values"},
		"delete wrong value":             {kargs.Edit{Delete: []string{"one=7"}}, "", `kernel argument "one=7" not found`},
		"delete missing":                 {kargs.Edit{Delete: []string{"nope"}}, "", "not found"},
		"delete if present":              {kargs.Edit{DeleteIfPresent: []string{"nope", "one=9", "one=1"}}, "root=LABEL=a console=tty0 console=ttyS0 quiet", ""},
		"delete if present is ambiguous": {kargs.Edit{DeleteIfPresent: []string{"console"}}, "", "has 2 values"},
		"set":                            {kargs.Edit{Set: []string{"console=hvc0", "new"}}, "root=LABEL=a console=hvc0 quiet one=1 new", ""},
		"line break":                     {kargs.Edit{Append: []string{"a\nlinux /evil"}}, "", "line breaks and NUL are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := kargs.Parse(start)
			got, err := c.edit.Apply(before)
			require.Equal(t, start, before.String(), "the argument is left alone")
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got.String())
		})
	}
}

func TestEditErrorsCarryFacts(t *testing.T) {
	t.Parallel()
	var ambiguous *kargs.AmbiguousError
	_, err := kargs.Edit{Delete: []string{"a"}}.Apply(kargs.Args{"a=1", "a=2"})
	require.ErrorAs(t, err, &ambiguous)
	require.Equal(t, []string{"1", "2"}, ambiguous.Values)
	var missing *kargs.NotFoundError
	_, err = kargs.Edit{Delete: []string{"b=3"}}.Apply(kargs.Args{"a=1"})
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "b", missing.Arg)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a b", `a="b c" d`, `"`, "ostree=/x root==y", "a\tb\nc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := kargs.Parse(line)
		require.NotContains(t, args, "")
		again := kargs.Parse(args.String())
		require.True(t, slices.Equal(args, again), "%q: %q then %q", line, args, again)
		for _, arg := range args {
			key, _, _ := strings.Cut(arg, "=")
			require.True(t, args.Has(key))
			require.False(t, args.Without(key).Has(key))
		}
	})
}

func ExampleEdit_Apply() {
	args := kargs.Parse("root=LABEL=system console=tty0 quiet")
	args, err := kargs.Edit{Append: []string{"console=ttyS0"}, Delete: []string{"quiet"}}.Apply(args)
	fmt.Println(args, err)
	// Output: root=LABEL=system console=tty0 console=ttyS0 <nil>
}
