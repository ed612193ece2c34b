package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parseDate reads a date as "date --date" of GNU coreutils does, whose manual
// calls that "Date input formats": "2005-10-29 12:43:29 +0000", "October 25 1985",
// "@1234567890", "1 week ago", "yesterday", "next friday 3 pm". What is left out is
// taken from now, in its time zone.
func parseDate(text string, now time.Time) (time.Time, error) {
	d := dateParser{now: now, zone: now.Location()}
	rest := strings.ToLower(strings.TrimSpace(text))
	for rest != "" {
		var ok bool
		if rest, ok = d.item(rest); !ok {
			return time.Time{}, fmt.Errorf("Could not parse '%s'", text)
		}
		rest = strings.TrimLeft(rest, " \t\n,")
	}
	t, ok := d.time()
	if !ok {
		return time.Time{}, fmt.Errorf("Could not parse '%s'", text)
	}
	return t, nil
}

// A dateParser collects what the items of a date say.
type dateParser struct {
	now  time.Time
	zone *time.Location

	epoch *time.Time // "@SECONDS", which stands alone

	year, month, day    int
	hour, minute        int
	second, nanosecond  int
	weekday, occurrence int

	hasDate, hasYear, hasTime, hasZone, hasWeekday, hasRelative bool

	years, months, days int           // relative to the rest
	shift               time.Duration // too
}

// item reads one item from the beginning of a text. Like in a grammar, the first
// that fits counts; longer ones come first.
func (d *dateParser) item(text string) (rest string, ok bool) {
	for _, rule := range dateRules() {
		match := regexp.MustCompile(`^(?:` + rule.pattern + `)(?:$|[\s,]+|\b)`).FindStringSubmatch(text)
		if match != nil && rule.apply(d, match) {
			return text[len(match[0]):], true
		}
	}
	return text, false
}

type dateRule struct {
	pattern string
	apply   func(d *dateParser, match []string) bool
}

const (
	zonePattern  = `\s*([+-]\d{1,2}:?\d{2}|[+-]\d{1,2}|z|utc|gmt)?`
	monthPattern = `(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?`
	unitPattern  = `(year|month|fortnight|week|day|hour|minute|min|second|sec)s?`
	dayPattern   = `(sun|mon|tue|wed|thu|fri|sat)(?:day|s|sday|nes|nesday|r|rs|rsday|urday)?\.?`
)

func dateRules() []dateRule {
	return []dateRule{
		{`@(-?\d+)(?:[.,](\d+))?`, (*dateParser).setEpoch},
		{`(\d{4,})-(\d{1,2})-(\d{1,2})(?:t(?:\b|$))?`, func(d *dateParser, m []string) bool { return d.setDate(m[1], m[2], m[3]) }},
		{`(\d{4,})-(\d{1,2})-(\d{1,2})t(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?` + zonePattern, func(d *dateParser, m []string) bool {
			return d.setDate(m[1], m[2], m[3]) && d.setTime(m[4], m[5], m[6], m[7], "") && d.setZone(m[8])
		}},
		{`(\d{4})/(\d{1,2})/(\d{1,2})`, func(d *dateParser, m []string) bool { return d.setDate(m[1], m[2], m[3]) }},
		{`(\d{1,2})/(\d{1,2})(?:/(\d{2,}))?`, func(d *dateParser, m []string) bool { return d.setDate(m[3], m[1], m[2]) }},
		{`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:\s*([ap])\.?m\.?|` + zonePattern + `)`, func(d *dateParser, m []string) bool {
			return d.setTime(m[1], m[2], m[3], m[4], m[5]) && d.setZone(m[6])
		}},
		{`(\d{1,2})\s*([ap])\.?m\.?`, func(d *dateParser, m []string) bool { return d.setTime(m[1], "", "", "", m[2]) }},
		{`(\d{1,2})[\s-]*` + monthPattern + `(?:[\s,-]+(\d{4,})(?:$|[\s,]))?`, func(d *dateParser, m []string) bool {
			return d.setDate(m[3], monthNumber(m[2]), m[1])
		}},
		{monthPattern + `\s*(\d{1,2})(?:[\s,]+(\d{4,})(?:$|[\s,]))?`, func(d *dateParser, m []string) bool {
			return d.setDate(m[3], monthNumber(m[1]), m[2])
		}},
		{`([+-]?\s*\d+)\s*` + unitPattern + `(\s+ago)?`, func(d *dateParser, m []string) bool { return d.addRelative(m[1], m[2], m[3] != "") }},
		{ordinalPattern() + `\s+` + unitPattern + `(\s+ago)?`, func(d *dateParser, m []string) bool { return d.addRelative(ordinal(m[1]), m[2], m[3] != "") }},
		{`(?:` + ordinalPattern() + `\s+)?` + dayPattern, func(d *dateParser, m []string) bool { return d.setWeekday(m[1], m[2]) }},
		{`()` + unitPattern + `(\s+ago)?`, func(d *dateParser, m []string) bool { return d.addRelative("1", m[2], m[3] != "") }},
		{`(now|today|yesterday|tomorrow)`, (*dateParser).setDayWord},
		{`([+-]\d{1,2}:?\d{2}|z|utc?|gmt)`, func(d *dateParser, m []string) bool { return d.setZone(m[1]) }},
		{`(\d{4})(\d{2})(\d{2})`, func(d *dateParser, m []string) bool { return d.setDate(m[1], m[2], m[3]) }},
		{`(\d{4})`, (*dateParser).setFourDigits},
	}
}

func ordinalPattern() string {
	return `(last|this|next|first|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)`
}

// ordinal is the number that a word stands for. There is no "second", which is a
// unit.
func ordinal(word string) string {
	for i, w := range []string{"last", "this", "next", "", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"} {
		if w == word {
			return strconv.Itoa(i - 1)
		}
	}
	return "1" // first
}

func monthNumber(name string) string {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	return strconv.Itoa(strings.Index(names, name[:3])/3 + 1)
}
