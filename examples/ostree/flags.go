package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// flags are the options of a command. Options and operands may be mixed, and
// "--" ends the options. Wrong ones are reported in the words of GLib's GOption.
type flags struct {
	set           *pflag.FlagSet
	shown         []shownFlag
	e             *env
	help, version bool
}

// shownFlag is an option in the help text.
type shownFlag struct{ spelling, help string }

func newFlags(e *env) *flags {
	f := &flags{e: e, set: pflag.NewFlagSet("", pflag.ContinueOnError)}
	f.set.SetOutput(io.Discard)
	f.set.SortFlags = false
	f.set.Usage = func() {}
	return f
}

// common adds the options that every command has, last, because a few commands
// have another meaning for -v.
func (f *flags) common() {
	f.set.BoolVarP(&f.help, "help", "h", false, "")
	f.set.BoolVarP(&f.e.verbose, "verbose", f.verboseShort(), f.e.verbose, "")
	f.set.BoolVar(&f.version, "version", false, "")
}

// verboseShort is the letter for --verbose, or "" if it means something else.
func (f *flags) verboseShort() string {
	if flag := f.set.ShorthandLookup("v"); flag != nil && flag.Name != "verbose" {
		return ""
	}
	return "v"
}

// Bool adds an option without a value.
func (f *flags) Bool(v *bool, name, short, help string) {
	f.set.BoolVarP(v, name, short, *v, "")
	f.show(name, short, "", help)
}

// String adds an option with a value; the last one counts.
func (f *flags) String(v *string, name, short, value, help string) {
	f.add((*stringValue)(v), name, short, value, help)
}

// Strings adds an option that may be given several times.
func (f *flags) Strings(v *[]string, name, short, value, help string) {
	f.add((*stringsValue)(v), name, short, value, help)
}

// Int adds an option with a number.
func (f *flags) Int(v *int, name, short, value, help string) {
	f.add(&intValue{v, name}, name, short, value, help)
}

// Double adds an option with a number that may have a fraction.
func (f *flags) Double(v *float64, name, short, value, help string) {
	f.add(&doubleValue{v, name}, name, short, value, help)
}

// YesNo adds an option whose value is yes or no, such as --fsync=no.
func (f *flags) YesNo(v *bool, name, short, value, help string) {
	f.Func(func(text string) error {
		b, err := parseYesNo(text)
		*v = b
		return err
	}, name, short, value, help)
}

// Func adds an option whose value goes through a function.
func (f *flags) Func(set func(string) error, name, short, value, help string) {
	f.add(funcValue(set), name, short, value, help)
}

// Hide keeps options out of the help text, those that only old scripts use.
func (f *flags) Hide(names ...string) {
	for _, name := range names {
		flag := f.set.Lookup(name)
		flag.Hidden = true
		spelled := "--" + name
		for i, s := range f.shown {
			first, _, _ := strings.Cut(s.spelling[strings.Index(s.spelling, "--"):], "=")
			if first == spelled {
				f.shown = append(f.shown[:i], f.shown[i+1:]...)
				break
			}
		}
	}
}

// Changed tells whether an option was given.
func (f *flags) Changed(name string) bool { return f.set.Changed(name) }

func (f *flags) changed() bool {
	n := 0
	f.set.Visit(func(*pflag.Flag) { n++ })
	return n > 0
}

func (f *flags) add(v pflag.Value, name, short, value, help string) {
	f.set.VarP(v, name, short, "")
	f.show(name, short, value, help)
}

func (f *flags) show(name, short, value, help string) {
	spelling := "--" + name
	if short != "" {
		spelling = "-" + short + ", " + spelling
	}
	if value != "" {
		spelling += "=" + value
	}
	f.shown = append(f.shown, shownFlag{spelling, help})
}

// parse reads the options and returns the operands. Help and version win over
// everything that is wrong behind them.
func (f *flags) parse(args []string) ([]string, error) {
	f.common()
	err := f.set.Parse(args)
	if err != nil && !f.help {
		return nil, optionError(err, args)
	}
	return f.set.Args(), nil
}

func optionError(err error, args []string) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		name := dashes(unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames())
		if i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, name+"=") }); i >= 0 {
			name = args[i] // together with its value
		}
		return fmt.Errorf("Unknown option %s", name)
	case errors.As(err, &missing):
		return fmt.Errorf("Missing argument for %s", dashes(missing.GetSpecifiedName(), missing.GetSpecifiedShortnames()))
	case errors.As(err, &invalid):
		return errors.Unwrap(invalid)
	case errors.As(err, &syntax):
		return fmt.Errorf("Unknown option %s", syntax.GetSpecifiedFlag())
	}
	return err
}

func dashes(name, shorthands string) string {
	if shorthands != "" {
		return "-" + name
	}
	return "--" + name
}

type stringValue string

func (v *stringValue) Set(s string) error { *v = stringValue(s); return nil }
func (v *stringValue) String() string     { return string(*v) }
func (v *stringValue) Type() string       { return "string" }

type stringsValue []string

func (v *stringsValue) Set(s string) error { *v = append(*v, s); return nil }
func (v *stringsValue) String() string     { return strings.Join(*v, " ") }
func (v *stringsValue) Type() string       { return "strings" }

type funcValue func(string) error

func (v funcValue) Set(s string) error { return v(s) }
func (v funcValue) String() string     { return "" }
func (v funcValue) Type() string       { return "func" }

type intValue struct {
	v    *int
	name string
}

func (v *intValue) Set(s string) error {
	n, err := strconv.ParseInt(s, 0, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("Integer value “%s” for --%s out of range", s, v.name)
	case err != nil:
		return fmt.Errorf("Cannot parse integer value “%s” for --%s", s, v.name)
	}
	*v.v = int(n)
	return nil
}

func (v *intValue) String() string { return "" }
func (v *intValue) Type() string   { return "int" }

type doubleValue struct {
	v    *float64
	name string
}

func (v *doubleValue) Set(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("Cannot parse double value “%s” for --%s", s, v.name)
	}
	*v.v = n
	return nil
}

func (v *doubleValue) String() string { return "" }
func (v *doubleValue) Type() string   { return "double" }

// parseYesNo reads the boolean of options such as --fsync.
func parseYesNo(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "true", "yes":
		return true, nil
	case "0", "false", "no", "none":
		return false, nil
	}
	return false, fmt.Errorf("Invalid boolean argument '%s'", s)
}
