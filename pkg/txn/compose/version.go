package compose

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NextVersion makes the version of a new commit from the treefile's prefix and the version of its
// parent ("" if it has none). The prefix may hold <date:FORMAT> with strftime(3) conversions.
//
//	prefix 22           22, 22.1, 22.2
//	prefix 22.<date:%Y> 22.2026.0, 22.2026.1, 22.2027.0
func NextVersion(prefix, suffix, parent string, now time.Time) (string, error) {
	if suffix == "" {
		suffix = "."
	}
	expanded, dated, err := expandDate(prefix, now)
	if err != nil {
		return "", err
	}
	first := expanded
	if dated {
		first = expanded + suffix + "0"
	}
	if parent == expanded {
		return expanded + suffix + "1", nil
	}
	if number, ok := strings.CutPrefix(parent, expanded+suffix); ok {
		if n, err := strconv.ParseUint(number, 10, 32); err == nil {
			return fmt.Sprintf("%s%s%d", expanded, suffix, n+1), nil
		}
	}
	return first, nil // there is no parent, or it was numbered by another rule
}

func expandDate(prefix string, now time.Time) (expanded string, dated bool, err error) {
	before, rest, ok := strings.Cut(prefix, "<date:")
	if !ok {
		return prefix, false, nil
	}
	format, after, ok := strings.Cut(rest, ">")
	if !ok {
		return "", false, fmt.Errorf("automatic-version-prefix: %q lacks the closing '>'", prefix)
	}
	date, err := strftime(format, now.UTC())
	if err != nil {
		return "", false, fmt.Errorf("automatic-version-prefix: %w", err)
	}
	return before + date + after, true, nil
}

// conversions are those of strftime(3) that are useful in a version.
var conversions = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'j': "002",
}

func strftime(format string, t time.Time) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return "", fmt.Errorf("%q ends in %%", format)
		}
		layout, ok := conversions[format[i]]
		if !ok {
			return "", fmt.Errorf("%q: conversion %%%c is not one of %%Y %%y %%m %%d %%H %%M %%S %%j", format, format[i])
		}
		b.WriteString(t.Format(layout))
	}
	return b.String(), nil
}
