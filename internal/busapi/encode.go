package busapi

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/godbus/dbus/v5"
)

// dictOf gives a struct as a{sv}. Keys, and what is left out, are those of its JSON; numbers are i if they count
// and t if they are times or sizes, as rpm-ostree has them.
func dictOf(v any) (map[string]dbus.Variant, error) {
	out := map[string]dbus.Variant{}
	if err := encodeStruct(out, reflect.Indirect(reflect.ValueOf(v))); err != nil {
		return nil, err
	}
	return out, nil
}

func encodeStruct(out map[string]dbus.Variant, v reflect.Value) error {
	for _, f := range jsonFields(v.Type()) {
		value := v.FieldByIndex(f.index)
		if f.omitzero && value.IsZero() || f.omitempty && (value.IsZero() || hasLen(value) && value.Len() == 0) {
			continue
		}
		encoded, err := encode(value)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if encoded != nil {
			out[f.name] = dbus.MakeVariant(encoded)
		}
	}
	return nil
}

func hasLen(v reflect.Value) bool { return v.Kind() == reflect.Slice || v.Kind() == reflect.Map }

// jsonField is a field of a struct under its name in JSON.
type jsonField struct {
	name                string
	index               []int
	omitempty, omitzero bool
}

// jsonFields lists the fields that JSON has, with those of embedded structs.
func jsonFields(t reflect.Type) []jsonField {
	var out []jsonField
	for _, f := range reflect.VisibleFields(t) {
		tag, tagged := f.Tag.Lookup("json")
		name, rest, _ := strings.Cut(tag, ",")
		if !f.IsExported() || name == "-" || f.Anonymous && !tagged {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out = append(out, jsonField{name, f.Index, strings.Contains(rest, "omitempty"), strings.Contains(rest, "omitzero")})
	}
	return out
}

// encode gives what godbus sends for a value; nil is nothing, which a{sv} cannot hold.
func encode(v reflect.Value) (any, error) {
	if v.IsValid() && v.CanInterface() {
		if text, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			b, err := text.MarshalText()
			return string(b), err
		}
	}
	switch v.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Pointer, reflect.Interface:
		return encode(v.Elem())
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int32, reflect.Int16, reflect.Int8:
		return int32(v.Int()), nil //nolint:gosec // serials and counts
	case reflect.Int64:
		return uint64(v.Int()), nil //nolint:gosec // times and sizes are not negative
	case reflect.Uint, reflect.Uint64:
		return v.Uint(), nil
	case reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return uint32(v.Uint()), nil //nolint:gosec // it fits
	case reflect.Float64, reflect.Float32:
		return v.Float(), nil
	case reflect.Struct:
		out := map[string]dbus.Variant{}
		return out, encodeStruct(out, v)
	case reflect.Map:
		return encodeMap(v)
	case reflect.Slice, reflect.Array:
		return encodeList(v)
	}
	return nil, fmt.Errorf("a %s has no D-Bus type", v.Type())
}

func encodeMap(v reflect.Value) (any, error) {
	out := map[string]dbus.Variant{}
	for it := v.MapRange(); it.Next(); {
		value, err := encode(it.Value())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Key(), err)
		}
		if value != nil {
			out[it.Key().String()] = dbus.MakeVariant(value)
		}
	}
	return out, nil
}

// encodeList gives as for strings, aa{sv} for structs, av for the rest.
func encodeList(v reflect.Value) (any, error) {
	element := v.Type().Elem()
	if element.Kind() == reflect.String {
		out := make([]string, 0, v.Len())
		for i := range v.Len() {
			out = append(out, v.Index(i).String())
		}
		return out, nil
	}
	dicts, list := []map[string]dbus.Variant{}, []dbus.Variant{}
	for i := range v.Len() {
		value, err := encode(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		if d, ok := value.(map[string]dbus.Variant); ok && element.Kind() == reflect.Struct {
			dicts = append(dicts, d)
		} else if value != nil {
			list = append(list, dbus.MakeVariant(value))
		}
	}
	if element.Kind() == reflect.Struct && len(list) == 0 {
		return dicts, nil
	}
	return list, nil
}
