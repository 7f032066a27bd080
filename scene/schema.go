package scene

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Schema returns the JSON schema (draft 2020-12) of scene files, made from the
// same table as the parser. What the parser checks beyond it: references,
// cycles, the paths of parameters, and fields that only make sense together.
func Schema() []byte {
	defs := map[string]any{}
	root := reflect.TypeFor[Scene]()
	for t := range table {
		if t != root {
			defs[t.Name()] = structSchema(t)
		}
	}
	top := structSchema(root)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = fmt.Sprintf("microDR scene, format %d", Version)
	top["$defs"] = defs
	out, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic("scene: " + err.Error())
	}
	return append(out, '\n')
}

// structSchema describes a mapping, and the short form that stands for it.
func structSchema(t reflect.Type) map[string]any {
	rows := fieldsOf(t)
	properties := map[string]any{}
	var required []string
	var rules []any
	var short map[string]any
	groups := map[string]bool{}
	for i := range rows {
		f := &rows[i]
		typ := t.Field(f.index).Type
		if f.short {
			short = valueSchema(typ, f)
		}
		if f.one != "" && !groups[f.one] {
			groups[f.one] = true
			rules = append(rules, groupRule(rows, f.one))
		}
		if f.key == "" {
			continue
		}
		properties[f.key] = fieldSchema(typ, f)
		if f.single != "" {
			properties[f.single] = describeSchema(valueSchema(typ.Elem(), f.element()), f)
			rules = append(rules, exactlyOne([]string{f.single, f.key}))
		} else if f.required && f.one == "" {
			required = append(required, f.key)
		}
	}
	object := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		object["required"] = required
	}
	if rules != nil {
		object["allOf"] = rules
	}
	if short != nil {
		return map[string]any{"anyOf": []any{short, object}}
	}
	return object
}

// groupRule permits one key of a group, and none where none is required.
func groupRule(rows []field, group string) map[string]any {
	var keys []string
	needed := false
	for _, f := range rows {
		if f.one != group {
			continue
		}
		needed = needed || f.required
		if f.key != "" {
			keys = append(keys, f.key)
		}
	}
	rule := exactlyOne(keys)
	if !needed {
		rule["oneOf"] = append(rule["oneOf"].([]any), map[string]any{"not": map[string]any{"anyOf": requireEach(keys)}})
	}
	return rule
}

func exactlyOne(keys []string) map[string]any { return map[string]any{"oneOf": requireEach(keys)} }

func requireEach(keys []string) []any {
	var out []any
	for _, k := range keys {
		out = append(out, map[string]any{"required": []string{k}})
	}
	return out
}

// fieldSchema is the schema of a key's value with its description and default.
func fieldSchema(t reflect.Type, f *field) map[string]any {
	s := describeSchema(valueSchema(t, f), f)
	if f.def != "" {
		var def any
		if err := yaml.Unmarshal([]byte(f.def), &def); err != nil {
			panic("scene: bad default of " + f.goName)
		}
		s["default"] = def
	}
	return s
}

func describeSchema(s map[string]any, f *field) map[string]any {
	text := f.doc
	if f.unit != "" {
		text += " [" + f.unit + "]"
	}
	s["description"] = text
	return s
}

// valueSchema is the schema of a Go type under the row f.
func valueSchema(t reflect.Type, f *field) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return valueSchema(t.Elem(), f)
	case reflect.Struct:
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Float64:
		return numberSchema("number", f.interval)
	case reflect.Int:
		return numberSchema("integer", f.interval)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		if f.enum != nil {
			return map[string]any{"enum": f.enum}
		}
		return map[string]any{"type": "string", "minLength": 1}
	case reflect.Array:
		return arraySchema(t, f)
	}
	return sliceSchema(t, f)
}

func numberSchema(typ string, r interval) map[string]any {
	s := map[string]any{"type": typ}
	bound := func(x float64, open bool, closedKey, openKey string) {
		switch {
		case math.IsInf(x, 0):
		case open:
			s[openKey] = x
		default:
			s[closedKey] = x
		}
	}
	bound(r.lo, r.loOpen, "minimum", "exclusiveMinimum")
	bound(r.hi, r.hiOpen, "maximum", "exclusiveMaximum")
	return s
}

func arraySchema(t reflect.Type, f *field) map[string]any {
	least := t.Len()
	if f.min > 0 {
		least = f.min
	}
	s := map[string]any{"type": "array", "items": valueSchema(t.Elem(), f), "minItems": least, "maxItems": t.Len()}
	switch t {
	case reflect.TypeFor[Color]():
		return map[string]any{"anyOf": []any{numberSchema("number", f.interval), s}}
	case reflect.TypeFor[Direction]():
		s["not"] = map[string]any{"const": []int{0, 0, 0}}
	}
	return s
}

func sliceSchema(t reflect.Type, f *field) map[string]any {
	item := valueSchema(t.Elem(), f.element())
	if f.isMap {
		return map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": nameRE.String()},
			"additionalProperties": item, "minProperties": f.min, "maxProperties": maxEntries}
	}
	list := map[string]any{"type": "array", "items": item, "minItems": f.min, "maxItems": maxEntries}
	if k := t.Elem().Kind(); k == reflect.Float64 || k == reflect.Int {
		list["minItems"] = max(1, f.min)
		return map[string]any{"anyOf": []any{item, list}}
	}
	return list
}
