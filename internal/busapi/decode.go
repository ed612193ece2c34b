package busapi

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// ArgumentError says that a caller's arguments are not what a method takes.
type ArgumentError struct {
	// Key is the option, or the argument, that is wrong.
	Key     string
	Message string
}

func (e *ArgumentError) Error() string { return e.Key + ": " + e.Message }

// maxItems bounds lists in arguments. No request has as many packages as an archive.
const maxItems = 10_000

// decodeDict fills in the struct that dst points to from a{sv}. A key that the struct's JSON does not have is an
// error, and so is a value of another type: what is not understood is not executed.
func decodeDict(dst any, dict map[string]dbus.Variant) error {
	v := reflect.ValueOf(dst).Elem()
	fields := jsonFields(v.Type())
	for key, value := range dict {
		i := slices.IndexFunc(fields, func(f jsonField) bool { return f.name == key })
		if i < 0 {
			return &ArgumentError{key, "unknown option; there are " + strings.Join(fieldNames(fields), ", ")}
		}
		if err := decode(v.FieldByIndex(fields[i].index), value.Value()); err != nil {
			return &ArgumentError{key, err.Error()}
		}
	}
	return nil
}

func fieldNames(fields []jsonField) []string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}

// typeError says what type was expected of a value.
func typeError(want string, value any) error {
	return fmt.Errorf("of type %s, not %s", dbus.SignatureOf(value), want)
}

// decode stores a received value, whose D-Bus type must be exactly that of dst.
func decode(dst reflect.Value, value any) error {
	if dst.CanAddr() {
		if text, ok := reflect.TypeAssert[encoding.TextUnmarshaler](dst.Addr()); ok {
			s, ok := value.(string)
			if !ok {
				return typeError("s", value)
			}
			return text.UnmarshalText([]byte(s))
		}
	}
	switch dst.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(dst.Type().Elem())
		dst.Set(fresh)
		return decode(fresh.Elem(), value)
	case reflect.String:
		s, ok := value.(string)
		if !ok {
			return typeError("s", value)
		}
		dst.SetString(s)
		return nil
	case reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			return typeError("b", value)
		}
		dst.SetBool(b)
		return nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return decodeInt(dst, value)
	case reflect.Slice:
		return decodeList(dst, value)
	case reflect.Struct:
		if fields, ok := value.([]any); ok {
			return decodeFields(dst, fields)
		}
		dict, ok := value.(map[string]dbus.Variant)
		if !ok {
			return typeError("a{sv}", value)
		}
		return decodeDict(dst.Addr().Interface(), dict)
	}
	return fmt.Errorf("cannot be given over D-Bus: a %s", dst.Type())
}

// decodeFields stores what is a structure on the bus too.
func decodeFields(dst reflect.Value, fields []any) error {
	if len(fields) != dst.NumField() {
		return typeError("a structure of "+fmt.Sprint(dst.NumField()), fields)
	}
	for i, f := range fields {
		if err := decode(dst.Field(i), f); err != nil {
			return fmt.Errorf("field %d: %w", i, err)
		}
	}
	return nil
}

func decodeInt(dst reflect.Value, value any) error {
	var n int64
	switch value := value.(type) {
	case int32:
		n = int64(value)
	case int64:
		n = value
	case uint32:
		n = int64(value)
	case uint64:
		if value > math.MaxInt64 {
			return fmt.Errorf("%d is too large", value)
		}
		n = int64(value)
	default:
		return typeError("i", value)
	}
	if dst.OverflowInt(n) {
		return fmt.Errorf("%d is too large", n)
	}
	dst.SetInt(n)
	return nil
}

func decodeList(dst reflect.Value, value any) error {
	from := reflect.ValueOf(value)
	want := listSignature(dst.Type().Elem())
	if from.Kind() != reflect.Slice {
		return typeError(want, value)
	}
	if n := from.Len(); n > maxItems {
		return fmt.Errorf("%d items; at most %d are taken", n, maxItems)
	}
	out := reflect.MakeSlice(dst.Type(), from.Len(), from.Len())
	for i := range from.Len() {
		item := from.Index(i).Interface()
		if variant, ok := item.(dbus.Variant); ok {
			item = variant.Value()
		}
		if out.Index(i).Type() == reflect.TypeFor[dbus.UnixFDIndex]() {
			index, ok := item.(dbus.UnixFDIndex)
			if !ok {
				return typeError(want, value)
			}
			out.Index(i).SetUint(uint64(index))
			continue
		}
		if err := decode(out.Index(i), item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	if from.Len() == 0 && from.Type() != dst.Type() && want == "as" {
		return typeError(want, value) // an empty list of something else
	}
	dst.Set(out)
	return nil
}

func listSignature(element reflect.Type) string {
	switch {
	case element == reflect.TypeFor[dbus.UnixFDIndex]():
		return "ah"
	case element.Kind() == reflect.String:
		return "as"
	case element.Kind() == reflect.Struct:
		return "aa{sv}"
	}
	return "av"
}
