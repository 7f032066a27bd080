package scene

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

// Limits of a scene file; beyond them it is refused before it costs much.
const (
	maxBytes   = 4 << 20
	maxDepth   = 32
	maxNodes   = 200_000 // visited, aliases expanded
	maxEntries = 4096    // of one mapping or list of things
)

// decoder fills Go values from YAML nodes by the field table and collects
// every mistake on the way.
type decoder struct {
	mistakes yamlfile.Mistakes
	visited  int
	depth    int
	full     bool // a limit was hit: stop
	uses     []use
	named    map[string]*yaml.Node // "object ball" -> the key that names it
	params   []*yaml.Node          // nodes of fit.parameters, by index
	axes     []*yaml.Node          // nodes of fit.starts.grid, by index
	views    []*yaml.Node          // nodes of views, by index
	broken   map[string]bool       // names whose entry has mistakes
}

// use is a place in the file that names something.
type use struct {
	node *yaml.Node
	kind string
	name string
	by   string // "object blob": what uses it, for cycles
}

// enter follows an alias and counts the node; ok is false at a limit.
func (d *decoder) enter(n *yaml.Node) (_ *yaml.Node, ok bool) {
	d.visited++
	if d.full {
		return n, false
	}
	if d.visited > maxNodes || d.depth > maxDepth {
		d.fail(n, "nested deeper than %d levels or more than %d values with aliases expanded", maxDepth, maxNodes)
		d.full = true
		return n, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, n.Alias != nil
	}
	return n, true
}

// decode fills v from n as the row f describes it.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, f *field) {
	n, ok := d.enter(n)
	if !ok {
		return
	}
	d.depth++
	defer func() { d.depth-- }()
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		before := d.mistakes.Len()
		d.decode(n, p.Elem(), f)
		if d.mistakes.Len() == before || v.Type().Elem().Kind() == reflect.Struct {
			v.Set(p)
		}
	case reflect.Struct:
		d.decodeStruct(n, v)
	case reflect.Array:
		d.decodeArray(n, v, f)
	case reflect.Slice:
		d.decodeSlice(n, v, f)
	default:
		d.decodeScalar(n, v, f)
	}
}

// decodeScalar reads a number, a truth value or a string.
func (d *decoder) decodeScalar(n *yaml.Node, v reflect.Value, f *field) {
	switch v.Kind() {
	case reflect.Float64:
		if x, ok := d.number(n, f, false); ok {
			v.SetFloat(x)
		}
	case reflect.Int:
		if x, ok := d.number(n, f, true); ok {
			v.SetInt(int64(x))
		}
	case reflect.Bool:
		var b bool
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(&b) != nil {
			d.fail(n, "expected true or false for %s, got %s", f.label(), describe(n))
			return
		}
		v.SetBool(b)
	case reflect.String:
		d.decodeString(n, v, f)
	default:
		panic("scene: no rule for " + v.Type().String())
	}
}

// number reads one number and checks its range.
func (d *decoder) number(n *yaml.Node, f *field, whole bool) (x float64, ok bool) {
	what := "a number"
	if whole {
		what = "a whole number"
	}
	if s := f.interval.String(); s != "" {
		what += " " + s
	}
	isNumber := n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float")
	if !isNumber || n.Decode(&x) != nil || whole && x != math.Trunc(x) || !f.interval.contains(x) {
		d.fail(n, "expected %s for %s, got %s", what, f.label(), describe(n))
		return 0, false
	}
	if whole && math.Abs(x) > 1<<53 {
		d.fail(n, "expected %s for %s, got %s", what, f.label(), describe(n))
		return 0, false
	}
	return x, true
}

func (d *decoder) decodeString(n *yaml.Node, v reflect.Value, f *field) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Value == "" ||
		n.ShortTag() != "!!str" && (f.enum != nil || f.ref != "") {
		d.fail(n, "expected %s for %s, got %s", f.expects(), f.label(), describe(n))
		return
	}
	if f.enum != nil && !slices.Contains(f.enum, n.Value) {
		d.fail(n, "expected %s for %s, got %q%s", f.expects(), f.label(), n.Value, yamlfile.Suggest(n.Value, f.enum))
		return
	}
	if f.ref != "" {
		d.uses = append(d.uses, use{node: n, kind: f.ref, name: n.Value})
	}
	v.SetString(n.Value)
}

// decodeArray reads a list of fixed length. A Color may be one number.
func (d *decoder) decodeArray(n *yaml.Node, v reflect.Value, f *field) {
	if v.Type() == reflect.TypeFor[Color]() && n.Kind == yaml.ScalarNode {
		if x, ok := d.number(n, f, false); ok {
			v.Set(reflect.ValueOf(Color{x, x, x}))
		}
		return
	}
	least := v.Len()
	if f.min > 0 {
		least = f.min
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "expected %s for %s, got %s", listOf(least, v.Len()), f.label(), describe(n))
		return
	}
	if len(n.Content) < least || len(n.Content) > v.Len() {
		d.fail(n, "expected %s for %s, got %d", listOf(least, v.Len()), f.label(), len(n.Content))
		return
	}
	before := d.mistakes.Len()
	for i, c := range n.Content {
		d.decode(c, v.Index(i), f)
	}
	if v.Type() == reflect.TypeFor[Direction]() && v.IsZero() && d.mistakes.Len() == before {
		d.fail(n, "expected a direction other than [0, 0, 0] for %s", f.label())
	}
}

// decodeSlice reads a list or, for things with names, a mapping.
func (d *decoder) decodeSlice(n *yaml.Node, v reflect.Value, f *field) {
	elem := v.Type().Elem()
	if f.isMap {
		d.decodeNamed(n, v, f)
		return
	}
	scalar := elem.Kind() == reflect.Float64 || elem.Kind() == reflect.Int
	if scalar && n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}, Line: n.Line, Column: n.Column}
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "expected a list for %s, got %s", f.label(), describe(n))
		return
	}
	if len(n.Content) < f.min || len(n.Content) > maxEntries {
		d.fail(n, "expected a list of %d to %d for %s, got %d", f.min, maxEntries, f.label(), len(n.Content))
		return
	}
	if len(n.Content) == 0 && !f.empty {
		if scalar {
			d.fail(n, "expected at least one number for %s", f.label())
		}
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	row := f.element()
	for i, c := range n.Content {
		d.remember(elem, c)
		d.decode(c, out.Index(i), row)
	}
	v.Set(out)
}

// remember keeps the nodes that later checks report positions of.
func (d *decoder) remember(elem reflect.Type, n *yaml.Node) {
	switch elem {
	case reflect.TypeFor[Parameter]():
		d.params = append(d.params, n)
	case reflect.TypeFor[Axis]():
		d.axes = append(d.axes, n)
	case reflect.TypeFor[View]():
		d.views = append(d.views, n)
	}
}

var nameRE = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// decodeNamed reads a mapping from names into a slice of structs with a Name.
func (d *decoder) decodeNamed(n *yaml.Node, v reflect.Value, f *field) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected a mapping from names for %s, got %s", f.label(), describe(n))
		return
	}
	if entries := len(n.Content) / 2; entries < f.min || entries > maxEntries {
		d.fail(n, "expected %d to %d entries in %s, got %d", f.min, maxEntries, f.label(), entries)
		return
	}
	kind := strings.ToLower(v.Type().Elem().Name())
	for i := 0; i+1 < len(n.Content) && !d.full; i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if !d.declare(key, kind) {
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		e.FieldByName("Name").SetString(key.Value)
		first, mistakes := len(d.uses), d.mistakes.Len()
		d.decode(val, e, f)
		d.broken[key.Value] = d.mistakes.Len() > mistakes
		for j := first; j < len(d.uses); j++ {
			d.uses[j].by = kind + " " + key.Value
		}
		v.Set(reflect.Append(v, e))
	}
}

// declare checks a name, the root of paths, and that nothing else has it.
func (d *decoder) declare(key *yaml.Node, kind string) bool {
	if key.Kind != yaml.ScalarNode || !nameRE.MatchString(key.Value) {
		d.fail(key, "expected a name (a letter or _, then letters, digits, _ or -), got %s", describe(key))
		return false
	}
	if key.Value == "background" {
		d.fail(key, "expected a name for the %s other than background, which paths need", kind)
		return false
	}
	for _, k := range []string{"camera", "object", "material", "light", "view"} {
		if other := d.named[k+" "+key.Value]; other != nil {
			d.fail(key, "%s %q: expected a name of its own, line %d has %s %q (paths begin with names)", kind, key.Value, other.Line, k, key.Value)
			return false
		}
	}
	d.named[kind+" "+key.Value] = key
	return true
}

// element is the row of a list's elements: min is the list's own.
func (f *field) element() *field {
	e := *f
	e.min = 0
	return &e
}

// label names the field in messages.
func (f *field) label() string {
	switch {
	case f.key != "":
		return f.key
	case f.ref != "":
		return f.ref
	}
	return strings.ToLower(f.goName)
}

// expects words what a string field takes.
func (f *field) expects() string {
	switch {
	case f.enum != nil:
		return "one of " + strings.Join(f.enum, ", ")
	case f.ref != "":
		return "the name of a " + f.ref
	}
	return "a text"
}

func listOf(least, most int) string {
	if least == most {
		return fmt.Sprintf("a list of %d", most)
	}
	return fmt.Sprintf("a list of %d to %d", least, most)
}

// describe words what stands in the file.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(n.Content))
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		if len(n.Value) > 40 {
			return fmt.Sprintf("%.40q...", n.Value)
		}
		if n.ShortTag() == "!!str" {
			return fmt.Sprintf("%q", n.Value)
		}
		return n.Value
	}
	return "an alias"
}
