package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// summaryView is how summary and "remote summary" show a summary.
type summaryView struct {
	raw, listKeys bool
	printKey      string
}

func (v *summaryView) add(f *flags, raw string) {
	f.Bool(&v.raw, "raw", "", raw)
	f.Bool(&v.listKeys, "list-metadata-keys", "", "List the available metadata keys")
	f.String(&v.printKey, "print-metadata-key", "", "KEY", "Print string value of metadata key")
}

// whole tells whether everything is shown, to which signatures belong.
func (v *summaryView) whole() bool { return !v.raw && !v.listKeys && v.printKey == "" }

// print shows a summary, or the part of it that was asked for.
func (v *summaryView) print(e *env, data []byte) error {
	s, err := ostree.ParseSummary(data)
	if err != nil {
		return err
	}
	dict, err := summaryDict(data)
	switch {
	case err != nil:
		return err
	case v.raw:
		value, err := gvariant.Parse(ostree.SummaryType, data)
		e.println(value.Byteswap().Text())
		return err
	case v.listKeys:
		for _, key := range dictKeys(dict) {
			e.println(key)
		}
		return nil
	case v.printKey != "":
		value, ok, err := dict.Lookup(v.printKey)
		if err == nil && !ok {
			err = fmt.Errorf("No such metadata key '%s'", v.printKey)
		}
		if err != nil {
			return err
		}
		e.println(value.Byteswap().Text())
		return nil
	}
	e.printSummaryRefs(s.CollectionID(), s.Refs)
	for _, c := range s.Collections {
		e.printSummaryRefs(c.ID, c.Refs)
	}
	return e.printSummaryDict(dict)
}

// summaryDict is the dictionary as it is in the file, the map of collections
// included.
func summaryDict(data []byte) (gvariant.Value, error) {
	v, err := gvariant.Parse(ostree.SummaryType, data)
	if err != nil {
		return v, err
	}
	return v.At(1)
}

func dictKeys(dict gvariant.Value) []string {
	var keys []string
	for _, entry := range dict.Children() {
		if key, _, err := entry.KeyValue(); err == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (e *env) printSummaryRefs(collection string, refs []ostree.SummaryRef) {
	for _, ref := range refs {
		name := ref.Ref
		if collection != "" {
			name = fmt.Sprintf("(%s, %s)", collection, ref.Ref)
		}
		e.printf("* %s\n    Latest Commit (%s):\n      %s\n", name, formatSize(ref.Size), ref.Commit)
		for _, m := range ref.Metadata {
			e.printf("    %s\n", summaryLine(m.Key, m.Value))
		}
		e.println()
	}
}

func (e *env) printSummaryDict(dict gvariant.Value) error {
	for _, entry := range dict.Children() {
		key, value, err := entry.KeyValue()
		if err != nil {
			return err
		}
		e.println(summaryLine(key, value))
	}
	return nil
}

// summaryLine is a key with its value. Those that have a meaning are shown in
// words, if they have the type that they should.
func summaryLine(key string, v gvariant.Value) string {
	title, text := "", ""
	switch key {
	case ostree.SummaryDeltas:
		title, text = "Static Deltas", v.PlainText()
	case ostree.SummaryLastModified:
		title, text = "Last-Modified", summaryTime(v)
	case ostree.SummaryExpires:
		title, text = "Expires", summaryTime(v)
	case ostree.SummaryCollectionID:
		title, text = "Collection ID", summaryString(v)
	case ostree.SummaryCollectionMap:
		title, text = "Collection Map", "(printed above)"
	case ostree.SummaryMode:
		title, text = "Repository Mode", summaryMode(v)
	case ostree.SummaryTombstones:
		title, text = "Has Tombstone Commits", summaryBool(v)
	case ostree.SummaryCommitTimestamp:
		title, text = "Timestamp", summaryTime(v)
	case ostree.SummaryCommitVersion:
		title, text = "Version", summaryString(v)
	default:
		return key + ": " + v.PlainText()
	}
	return fmt.Sprintf("%s (%s): %s", title, key, text)
}

func summaryTime(v gvariant.Value) string {
	if v.Type() != "t" || len(v.Data()) != 8 {
		return v.PlainText()
	}
	seconds := binary.BigEndian.Uint64(v.Data())
	if seconds > 253402300799 { // the last second of the year 9999
		return "invalid"
	}
	return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02T15:04:05+00")
}

func summaryString(v gvariant.Value) string {
	s, err := v.Str()
	if err != nil {
		return v.PlainText()
	}
	return s
}

func summaryMode(v gvariant.Value) string {
	s := summaryString(v)
	if _, err := ostree.ParseMode(s); err != nil {
		return fmt.Sprintf("Invalid (‘%s’)", s)
	}
	return s
}

func summaryBool(v gvariant.Value) string {
	b, err := v.Bool()
	switch {
	case err != nil:
		return v.PlainText()
	case b:
		return "Yes"
	}
	return "No"
}
