package scene

import (
	"bytes"
	"math"
	"reflect"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// flowWidth is the longest mapping that Print writes on one line.
const flowWidth = 110

// Print returns the scene as a file's text. Values equal to their defaults are
// left out; numbers are the shortest that read back as the same float64. For a
// scene s that Parse returned, Parse(Print(s)) equals s.
func Print(s *Scene) []byte {
	if reflect.DeepEqual(s.Views, defaultViews(s)) {
		short := *s
		short.Views = nil
		s = &short
	}
	root := encodeStruct(reflect.ValueOf(s).Elem())
	layout(root, 0)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		panic("scene: " + err.Error())
	}
	return out.Bytes()
}

// encode writes v as the row f describes it: the inverse of decoder.decode.
func encode(v reflect.Value, f *field) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		return encode(v.Elem(), f)
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Array, reflect.Slice:
		return encodeList(v, f)
	case reflect.Float64:
		return numberNode(v.Float())
	case reflect.Int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}
	}
	return stringNode(v.String())
}

// encodeStruct writes the short form where nothing else is set, else a mapping
// of what differs from the defaults.
func encodeStruct(v reflect.Value) *yaml.Node {
	rows := fieldsOf(v.Type())
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	var short *field
	others := 0
	for i := range rows {
		f := &rows[i]
		x := v.Field(f.index)
		if f.short && !x.IsZero() {
			short = f
		} else if f.key != "" && !isDefault(v, f) {
			others++
		}
		if f.key == "" || isDefault(v, f) {
			continue
		}
		n.Content = append(n.Content, encodeEntry(x, f)...)
	}
	if short != nil && others == 0 {
		return encode(v.Field(short.index), short)
	}
	return n
}

// encodeEntry writes a key and its value; a single camera has its own key.
func encodeEntry(x reflect.Value, f *field) []*yaml.Node {
	if f.single != "" && x.Len() == 1 && x.Index(0).FieldByName("Name").String() == f.single {
		return []*yaml.Node{stringNode(f.single), encodeStruct(x.Index(0))}
	}
	return []*yaml.Node{stringNode(f.key), encode(x, f)}
}

// isDefault reports whether an absent key means the value that v has.
func isDefault(v reflect.Value, f *field) bool {
	x := v.Field(f.index)
	switch {
	case f.required && f.one == "":
		return false
	case x.Kind() == reflect.Pointer:
		return x.IsNil()
	case x.Kind() == reflect.Slice && f.empty:
		return x.IsNil()
	case x.Kind() == reflect.Slice && f.def == "":
		return x.Len() == 0
	}
	fresh := reflect.New(v.Type())
	if c, ok := fresh.Interface().(completer); ok {
		fresh.Elem().Set(v)
		fresh.Elem().Field(f.index).SetZero()
		c.complete(func(key string) bool { return key != f.key })
	}
	y := fresh.Elem().Field(f.index)
	switch {
	case f.def != "":
		setDefault(y, f)
	case y.Kind() == reflect.Struct && y.IsZero():
		setDefaults(y)
	}
	return reflect.DeepEqual(x.Interface(), y.Interface())
}

// encodeList writes arrays, lists and named things. Equal channels of a Color
// and a list of one number become one number.
func encodeList(v reflect.Value, f *field) *yaml.Node {
	if f.isMap {
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for i := range v.Len() {
			e := v.Index(i)
			n.Content = append(n.Content, stringNode(e.FieldByName("Name").String()), encodeStruct(e))
		}
		return n
	}
	if c, ok := v.Interface().(Color); ok && c[0] == c[1] && c[1] == c[2] {
		return numberNode(c[0])
	}
	if k := v.Type().Elem().Kind(); v.Kind() == reflect.Slice && v.Len() == 1 && (k == reflect.Float64 || k == reflect.Int) {
		return encode(v.Index(0), f)
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range v.Len() {
		n.Content = append(n.Content, encode(v.Index(i), f))
	}
	return n
}

func numberNode(x float64) *yaml.Node {
	text := strconv.FormatFloat(x, 'g', -1, 64)
	if x == 0 && math.Signbit(x) {
		text = "-0.0" // "-0" would be the whole number 0
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

var plainString = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

func stringNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !plainString.MatchString(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// layout writes short mappings below the sections on one line, and every list
// of numbers.
func layout(n *yaml.Node, depth int) {
	flat := n.Kind == yaml.SequenceNode && !contains(n, yaml.MappingNode)
	short := depth >= 2 && flowLength(n) <= flowWidth && !(depth == 2 && n.Kind == yaml.SequenceNode && !flat)
	if flat || short || len(n.Content) == 0 {
		n.Style |= yaml.FlowStyle
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			layout(c, depth+1)
		}
	}
}

// contains reports whether a node of that kind stands anywhere below n.
func contains(n *yaml.Node, kind yaml.Kind) bool {
	for _, c := range n.Content {
		if c.Kind == kind || contains(c, kind) {
			return true
		}
	}
	return false
}

// flowLength is about the length of n on one line.
func flowLength(n *yaml.Node) int {
	sum := len(n.Value) + 2
	for _, c := range n.Content {
		sum += flowLength(c)
	}
	return sum
}
