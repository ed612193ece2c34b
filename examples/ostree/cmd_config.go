package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

func cmdConfig() *command {
	var group string
	return &command{
		name: "config", operands: "(get KEY|set KEY VALUE|unset KEY)", summary: "Change repo configuration settings",
		flags: func(f *flags) { f.String(&group, "group", "", "GROUP", "Group name followed by key for configuration") },
		run: func(_ context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("OPERATION must be specified")
			}
			operation, operands := args[0], args[1:]
			switch operation {
			case "get":
				group, key, _, err := configOperands(group, operands, false)
				if err != nil {
					return err
				}
				value, ok := repo.ConfigValue(group, key)
				if !ok && !repo.HasConfigGroup(group) {
					return fmt.Errorf("Key file does not have group “%s”", group)
				} else if !ok {
					return fmt.Errorf("Key file does not have key “%s” in group “%s”", key, group)
				}
				e.println(value)
				return nil
			case "set":
				group, key, value, err := configOperands(group, operands, true)
				if err != nil {
					return err
				}
				return repo.SetConfigValue(group, key, value)
			case "unset":
				group, key, _, err := configOperands(group, operands, false)
				if err != nil {
					return err
				}
				return repo.UnsetConfigValue(group, key)
			}
			return fmt.Errorf("Unknown operation %s", operation)
		},
	}
}

// configOperands splits "group.key", "group.key=value", or key and value beside
// --group, whose name may have dots.
func configOperands(group string, args []string, withValue bool) (g, key, value string, err error) {
	want, missing := 1, "KEY must be specified"
	if withValue {
		want, missing = 2, "KEY and VALUE must be specified"
	}
	if group != "" {
		missing = "GROUP name and " + missing
		if withValue {
			missing = "GROUP name, KEY and VALUE must be specified"
		}
	}
	if withValue && group == "" && len(args) == 1 {
		if k, v, ok := strings.Cut(args[0], "="); ok {
			args = []string{k, v}
		}
	}
	switch {
	case len(args) < want:
		return "", "", "", errors.New(missing)
	case len(args) > want:
		return "", "", "", usagef("Too many arguments given")
	}
	if withValue {
		value = args[1]
	}
	if group != "" {
		return group, args[0], value, nil
	}
	g, key, ok := strings.Cut(args[0], ".")
	if !ok {
		return "", "", "", errors.New(`Key must be of the form "sectionname.keyname"`)
	}
	return g, key, value, nil
}
