package scene

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

// completer is a struct with fields whose default depends on other fields.
type completer interface {
	complete(has func(key string) bool)
}

// decodeStruct reads a mapping, or the short form that stands for it.
func (d *decoder) decodeStruct(n *yaml.Node, v reflect.Value) {
	rows := fieldsOf(v.Type())
	if n.Kind != yaml.MappingNode {
		if i := slices.IndexFunc(rows, func(f field) bool { return f.short }); i >= 0 && !isNull(n) {
			setDefaults(v)
			d.decode(n, v.Field(rows[i].index), &rows[i])
			return
		}
		d.fail(n, "expected a mapping with %s, got %s", keyList(rows), describe(n))
		return
	}
	setDefaults(v)
	seen := map[string]*yaml.Node{}
	unknown := false
	for i := 0; i+1 < len(n.Content) && !d.full; i += 2 {
		unknown = unknown || rowOf(rows, n.Content[i]) == nil
		d.decodeKey(n.Content[i], n.Content[i+1], v, rows, seen)
	}
	d.checkExclusive(rows, seen)
	if !unknown { // else the key that is missing may be the one misspelt
		d.checkPresence(n, rows, seen)
	}
	if c, ok := v.Addr().Interface().(completer); ok {
		c.complete(func(key string) bool { return seen[key] != nil })
	}
}

// decodeKey reads one entry of a mapping.
func (d *decoder) decodeKey(key, val *yaml.Node, v reflect.Value, rows []field, seen map[string]*yaml.Node) {
	f := rowOf(rows, key)
	if f == nil {
		d.fail(key, "unknown key %s, expected %s%s", quoteKey(key), keyList(rows), yamlfile.Suggest(key.Value, keysOf(rows)))
		return
	}
	if first := seen[f.key]; first != nil {
		d.fail(key, "key %q a second time, the first is in line %d", key.Value, first.Line)
		return
	}
	seen[f.key] = key
	if key.Value == f.single {
		val = &yaml.Node{Kind: yaml.MappingNode, Line: val.Line, Column: val.Column, Content: []*yaml.Node{key, val}}
	}
	if isNull(val) {
		d.fail(val, "expected a value for %s, got nothing", f.key)
		return
	}
	d.decode(val, v.Field(f.index), f)
}

// checkExclusive reports keys that exclude each other.
func (d *decoder) checkExclusive(rows []field, seen map[string]*yaml.Node) {
	group := map[string]*yaml.Node{}
	for i := range rows {
		f := &rows[i]
		if f.one == "" || seen[f.key] == nil || f.key == "" {
			continue
		}
		if group[f.one] != nil {
			d.fail(seen[f.key], "%q excludes %q: expected one of %s", f.key, group[f.one].Value, groupList(rows, f.one))
		}
		group[f.one] = seen[f.key]
	}
}

// checkPresence reports keys that are missing.
func (d *decoder) checkPresence(n *yaml.Node, rows []field, seen map[string]*yaml.Node) {
	group := map[string]bool{}
	for i := range rows {
		if f := &rows[i]; f.key != "" && seen[f.key] != nil {
			group[f.one] = true
		}
	}
	for i := range rows {
		f := &rows[i]
		switch {
		case !f.required:
		case f.one != "" && !group[f.one]:
			d.fail(n, "expected one of %s", groupList(rows, f.one))
		case f.one == "" && seen[f.key] == nil:
			d.fail(n, "expected the key %q (%s)", f.key, f.doc)
		}
	}
}

// setDefaults gives every field with a default in the table its value.
// Pointers stay nil: their default is what a path to them creates.
func setDefaults(v reflect.Value) {
	rows := fieldsOf(v.Type())
	for i := range rows {
		x := v.Field(rows[i].index)
		switch {
		case x.Kind() == reflect.Struct:
			setDefaults(x)
		case rows[i].def != "" && x.Kind() != reflect.Pointer:
			setDefault(x, &rows[i])
		}
	}
}

// setDefault gives v the table's default value.
func setDefault(v reflect.Value, f *field) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(f.def), &doc); err != nil {
		panic("scene: bad default of " + f.goName)
	}
	d := &decoder{mistakes: mistakesIn(f.goName)}
	d.decode(doc.Content[0], v, f)
	if err := d.mistakes.Err(); err != nil {
		panic("scene: bad default: " + err.Error())
	}
}

func quoteKey(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode {
		return fmt.Sprintf("%.60q", key.Value)
	}
	return describe(key)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func rowOf(rows []field, key *yaml.Node) *field {
	if key.Kind != yaml.ScalarNode || key.Value == "" {
		return nil
	}
	for i := range rows {
		if rows[i].key == key.Value || rows[i].single == key.Value {
			return &rows[i]
		}
	}
	return nil
}

func keysOf(rows []field) []string {
	var keys []string
	for _, f := range rows {
		if f.key != "" {
			keys = append(keys, f.key)
		}
		if f.single != "" {
			keys = append(keys, f.single)
		}
	}
	return keys
}

func keyList(rows []field) string { return oneOf(keysOf(rows)) }

func groupList(rows []field, group string) string {
	var keys []string
	for _, f := range rows {
		switch {
		case f.one != group:
		case f.short && f.key == "":
			keys = append([]string{f.label() + " (in place of the mapping)"}, keys...)
		default:
			keys = append(keys, f.key)
		}
	}
	return oneOf(keys)
}

func oneOf(keys []string) string {
	if len(keys) == 0 {
		return "no keys"
	}
	if len(keys) == 1 {
		return keys[0]
	}
	return strings.Join(keys[:len(keys)-1], ", ") + " or " + keys[len(keys)-1]
}
