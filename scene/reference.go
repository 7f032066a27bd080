package scene

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference returns the description of the format for people, in Markdown, made from the same table as the parser and
// the schema: one section for every kind of mapping, from the scene itself inwards.
func Reference() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, referenceHead, Version)
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		if keyed(t) {
			section(&b, t)
		}
		for _, f := range fieldsOf(t) {
			visit(t.Field(f.index).Type)
		}
	}
	visit(reflect.TypeFor[Scene]())
	return []byte(b.String())
}

const referenceHead = `# Scene files, format %d

Made by ` + "`go run ./cmd/microdr schema --markdown > docs/scene.md`" + ` from the table that drives the parser.

A path names a number: ` + "`ball.center`, `ball.center.x`, `camera.fov`, `red.albedo`" + `. It begins with the name of a camera, an
object, a material, a light or a view, and goes on with the keys below, without those that only say of which kind a thing
is (sphere, diffuse, directional, checkerboard). A single ` + "`camera`" + ` is named camera.
`

// keyed reports whether a struct has keys of its own.
func keyed(t reflect.Type) bool {
	for _, f := range fieldsOf(t) {
		if f.key != "" {
			return true
		}
	}
	return false
}

func section(b *strings.Builder, t reflect.Type) {
	fmt.Fprintf(b, "\n## %s\n\n", t.Name())
	for _, f := range fieldsOf(t) {
		if f.short {
			fmt.Fprintf(b, "Or, in place of the mapping, %s.\n\n", valueWords(t.Field(f.index).Type, &f))
		}
	}
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	rows := fieldsOf(t)
	for i := range rows {
		f := &rows[i]
		if f.key == "" {
			continue
		}
		key := "`" + f.key + "`"
		if f.single != "" {
			key += " or `" + f.single + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", key, valueWords(t.Field(f.index).Type, f), defaultWords(f), meaning(rows, f))
	}
}

func defaultWords(f *field) string {
	switch {
	case f.def != "":
		return "`" + f.def + "`"
	case f.required && f.one == "":
		return "required"
	}
	return ""
}

// meaning is the row's text, with its alternatives where only one of a group may be given.
func meaning(rows []field, f *field) string {
	text := strings.ReplaceAll(f.doc, "|", "\\|")
	if f.one == "" {
		return text
	}
	var others []string
	for _, g := range rows {
		if g.one == f.one && g.key != "" && g.key != f.key {
			others = append(others, "`"+g.key+"`")
		}
	}
	if len(others) == 0 {
		return text
	}
	return text + "; instead of " + strings.Join(others, ", ")
}

// valueWords says what a key's value looks like.
func valueWords(t reflect.Type, f *field) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case len(f.enum) > 0:
		return "`" + strings.Join(f.enum, "`, `") + "`"
	case t == reflect.TypeFor[Color]():
		return "3 numbers or 1" + numberWords(f)
	}
	switch t.Kind() {
	case reflect.Struct:
		if keyed(t) {
			return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
		}
		return t.Name()
	case reflect.Array:
		if t.Elem().Kind() == reflect.Float64 || t.Elem().Kind() == reflect.Int {
			return fmt.Sprintf("%d numbers%s", t.Len(), numberWords(f))
		}
		return fmt.Sprintf("%d of: %s", t.Len(), valueWords(t.Elem(), f))
	case reflect.Slice:
		if f.isMap {
			return "mapping of names to: " + valueWords(t.Elem(), f)
		}
		return "list of: " + valueWords(t.Elem(), f)
	case reflect.String:
		if f.ref != "" {
			return "name of a " + f.ref
		}
		return "text"
	case reflect.Bool:
		return "`true` or `false`"
	case reflect.Int:
		return "whole number" + numberWords(f)
	}
	return "number" + numberWords(f)
}

// numberWords says the unit and the range of a number.
func numberWords(f *field) string {
	out := ""
	if f.unit != "" {
		out += ", " + f.unit
	}
	if words := f.interval.String(); f.interval != real && words != "" {
		out += ", " + words
	}
	return out
}
