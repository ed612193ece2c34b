package main

import (
	"strconv"
	"strings"
	"time"
)

func (d *dateParser) setEpoch(m []string) bool {
	seconds, err := strconv.ParseInt(m[1], 10, 64)
	t := time.Unix(seconds, int64(nanoseconds(m[2])))
	d.epoch = &t
	return err == nil
}

// setDate takes a year without its century as POSIX says, and this year for none.
func (d *dateParser) setDate(year, month, day string) bool {
	if d.hasDate {
		return false
	}
	d.hasDate = true
	d.year, d.month, d.day = d.now.Year(), number(month), number(day)
	if year != "" {
		d.year, d.hasYear = number(year), true
	}
	if len(year) == 2 {
		d.year += 1900
		if d.year < 1969 {
			d.year += 100
		}
	}
	return true
}

func (d *dateParser) setTime(hour, minute, second, fraction, half string) bool {
	if d.hasTime {
		return false
	}
	d.hasTime = true
	d.hour, d.minute, d.second, d.nanosecond = number(hour), number(minute), number(second), nanoseconds(fraction)
	if half != "" {
		if d.hour < 1 || d.hour > 12 {
			return false
		}
		d.hour %= 12
		if half == "p" {
			d.hour += 12
		}
	}
	return d.hour < 24 && d.minute < 60 && d.second <= 60
}

// setZone reads an offset from UTC such as "+01:30", "+0130" or "+1".
func (d *dateParser) setZone(zone string) bool {
	if zone == "" {
		return true
	}
	if d.hasZone {
		return false
	}
	d.hasZone = true
	if zone[0] != '+' && zone[0] != '-' {
		d.zone = time.UTC
		return true
	}
	digits := strings.ReplaceAll(zone[1:], ":", "")
	hours, minutes := digits, "0"
	if len(digits) > 2 {
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	}
	offset := number(hours)*3600 + number(minutes)*60
	if zone[0] == '-' {
		offset = -offset
	}
	d.zone = time.FixedZone("", offset)
	return offset <= 24*3600 && offset >= -24*3600
}

func (d *dateParser) addRelative(count, unit string, ago bool) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.Join(strings.Fields(count), ""), "+"))
	if err != nil || n > 1e9 || n < -1e9 {
		return false
	}
	if ago {
		n = -n
	}
	d.hasRelative = true
	switch unit {
	case "year":
		d.years += n
	case "month":
		d.months += n
	case "fortnight":
		d.days += 14 * n
	case "week":
		d.days += 7 * n
	case "day":
		d.days += n
	case "hour":
		d.shift += time.Duration(n) * time.Hour
	case "minute", "min":
		d.shift += time.Duration(n) * time.Minute
	default:
		d.shift += time.Duration(n) * time.Second
	}
	return true
}

func (d *dateParser) setWeekday(which, name string) bool {
	if d.hasWeekday {
		return false
	}
	d.hasWeekday = true
	d.weekday = strings.Index("sunmontuewedthufrisat", name) / 3
	if which != "" {
		d.occurrence = number(ordinal(which))
	}
	return true
}

func (d *dateParser) setDayWord(m []string) bool {
	d.hasRelative = true
	switch m[1] {
	case "yesterday":
		d.days--
	case "tomorrow":
		d.days++
	}
	return true
}

// setFourDigits takes them as the year of a date without one, or as a time of day.
func (d *dateParser) setFourDigits(m []string) bool {
	if d.hasDate && !d.hasYear && !d.hasRelative {
		d.year, d.hasYear = number(m[1]), true
		return true
	}
	return d.setTime(m[1][:2], m[1][2:], "", "", "")
}

// time puts it together.
func (d *dateParser) time() (time.Time, bool) {
	if d.epoch != nil {
		return *d.epoch, !d.hasDate && !d.hasTime && !d.hasRelative && !d.hasWeekday && !d.hasZone
	}
	now := d.now
	if !d.hasDate {
		d.year, d.month, d.day = now.Year(), int(now.Month()), now.Day()
	}
	if !d.hasTime && d.hasRelative && !d.hasDate && !d.hasWeekday {
		d.hour, d.minute, d.second, d.nanosecond = now.Hour(), now.Minute(), now.Second(), now.Nanosecond()
	}
	day := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, d.zone)
	if day.Day() != d.day || int(day.Month()) != d.month || d.year > 9999 {
		return day, false
	}
	if d.hasWeekday && !d.hasDate {
		ahead := (d.weekday - int(day.Weekday()) + 7) % 7
		weeks := d.occurrence
		if weeks > 0 && ahead > 0 {
			weeks--
		}
		d.days += ahead + 7*weeks
	}
	return time.Date(d.year+d.years, time.Month(d.month+d.months), d.day+d.days,
		d.hour, d.minute, d.second, d.nanosecond, d.zone).Add(d.shift), true
}

// number reads digits, of which there may be none or too many.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

func nanoseconds(fraction string) int { return number((fraction + "000000000")[:9]) }
