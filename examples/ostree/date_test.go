package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// dates are such as both we and "date" of coreutils know.
func dates() []string {
	return []string{
		"@1234567890", "@-5", "2005-10-29 12:43:29 +0000", "2005-10-29", "2005-10-29T12:43:29Z", "2005-10-29T12:43", "20051029",
		"October 25 1985", "October 25, 1985", "Oct 5 12:30", "25 October 1985", "25-oct-1985", "November 05 1955", "July 4 2010 12:00 PM",
		"Tue, 05 Nov 2019 12:00:00 +0100", "Sat Oct 29 12:43:29 UTC 2005", "10/25/1985", "10/25/85", "1985/10/25", "10/25/1985 3pm",
		"12:00", "12:34:56.5 -0530", "3:04 am", "12 am", "now", "today", "yesterday", "tomorrow", "1 week ago", "2 days", "-3 days", "+1 hour",
		"1 month ago", "1 year ago", "next week", "last month", "fortnight ago", "week ago", "monday", "next friday", "last tuesday", "friday 10:00",
		"yesterday 12:00", "2005-10-29 1 day ago", "2005-10-29 12:00 2 hours", "third month", "Sept 5 2001", "june 1 2001", "wednesday",
		"garbage", "", "2005-13-01", "2005-02-30", "25:00", "13 pm", "2005-10-29 2005-10-30", "12:00 13:00", "1 parsec ago", "@12 12:00",
	}
}

func TestParseDateIsLikeDate(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("date"))
	for _, text := range dates() {
		if text == "" {
			continue // date takes it for the beginning of the day
		}
		now := time.Now()
		cmd := exec.CommandContext(t.Context(), "date", "+%s", "--date", text)
		cmd.Env = []string{"TZ=UTC", "LC_ALL=C"}
		out, err := cmd.Output()
		ours, ourErr := parseDate(text, now.UTC())
		if err != nil {
			require.EqualError(t, ourErr, "Could not parse '"+text+"'")
			continue
		}
		require.NoError(t, ourErr, text)
		seconds, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
		require.NoError(t, err)
		// The clock goes on between the two.
		require.WithinDuration(t, time.Unix(0, 0).Add(seconds), ours, 30*time.Second, text)
	}
}

func TestParseDateIsRelativeToNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 2, 29, 12, 30, 0, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"1 week ago":    "2024-02-22T12:30:00+01:00",
		"12:00":         "2024-02-29T12:00:00+01:00",
		"monday":        "2024-03-04T00:00:00+01:00",
		"last thursday": "2024-02-22T00:00:00+01:00",
		"1 year ago":    "2023-03-01T12:30:00+01:00",
		"Oct 25":        "2024-10-25T00:00:00+01:00",
	} {
		got, err := parseDate(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Format(time.RFC3339), text)
	}
}

func FuzzParseDate(f *testing.F) {
	for _, text := range dates() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := parseDate(text, time.Unix(1e9, 0).UTC())
		if err != nil {
			require.ErrorContains(t, err, "Could not parse")
		}
	})
}
