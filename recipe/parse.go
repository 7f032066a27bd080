package recipe

import (
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

// The most that a file may have of each.
const (
	maxLayers = 1000
	maxDepth  = 8 // of layers in layers
)

// decoder collects every mistake on its way through a file.
type decoder struct {
	mistakes yamlfile.Mistakes
	layers   int
}

// Parse reads the text of a file; name stands in errors. It reports every mistake that it finds as Errors.
func Parse(name string, text []byte) (*Recipe, error) {
	d := &decoder{mistakes: mistakesIn(name)}
	r := &Recipe{file: name}
	if root := d.mistakes.Read(text, maxBytes, "layers and training"); root != nil {
		d.recipe(root, r)
	}
	if err := d.mistakes.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) { d.mistakes.Add(n, format, args...) }

func (d *decoder) recipe(n *yaml.Node, r *Recipe) {
	training := values{}
	d.mapping(n, "a recipe", []string{"layers", "training"}, func(key string, value *yaml.Node) {
		if key == "layers" {
			r.Layers = d.list(value, 0)
		} else {
			training = d.fields(value, "training", trainingFields())
		}
	})
	if d.mistakes.Len() > 0 {
		return
	}
	if r.Layers == nil {
		d.fail(n, "no layers, expected a list of them")
		return
	}
	for _, f := range trainingFields() {
		if _, ok := training[f.key]; !ok {
			training[f.key] = f.standard
		}
	}
	r.Training = trainingOf(training)
}

// mapping calls visit with every key that is known and its value.
func (d *decoder) mapping(n *yaml.Node, what string, known []string, visit func(key string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected a mapping for %s, got %s", what, describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			d.fail(key, "unknown field %s of %s, expected one of %s%s", describe(key), what, strings.Join(known, ", "),
				yamlfile.Suggest(key.Value, known))
		case seen[key.Value]:
			d.fail(key, "field %s a second time, expected it once", key.Value)
		default:
			seen[key.Value] = true
			visit(key.Value, n.Content[i+1])
		}
	}
}

// list reads layers.
func (d *decoder) list(n *yaml.Node, depth int) []Layer {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "expected a list of layers, got %s", describe(n))
		return nil
	}
	if len(n.Content) == 0 {
		d.fail(n, "the list of layers is empty, expected at least one layer")
		return nil
	}
	if depth > maxDepth {
		d.fail(n, "layers in layers, expected at most %d deep", maxDepth)
		return nil
	}
	out := make([]Layer, 0, len(n.Content))
	for _, row := range n.Content {
		if d.layers++; d.layers > maxLayers {
			d.fail(row, "more layers, expected at most %d", maxLayers)
			break
		}
		if layer, ok := d.layer(row, depth); ok {
			out = append(out, layer)
		}
	}
	return out
}

// layer reads NAME, NAME: value of the first field, or NAME: {field: value, ..}.
func (d *decoder) layer(n *yaml.Node, depth int) (Layer, bool) {
	name, value := n, &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name, value = n.Content[0], n.Content[1]
	}
	table := layerKinds()
	at := slices.IndexFunc(table, func(k layerKind) bool { return name.Kind == yaml.ScalarNode && k.name == name.Value })
	if at < 0 {
		names := layerNames(table)
		d.fail(name, "unknown layer %s, expected one of %s%s", describe(name), strings.Join(names, ", "),
			yamlfile.Suggest(name.Value, names))
		return Layer{}, false
	}
	k := &table[at]
	layer := Layer{kind: k, line: name.Line, column: name.Column}
	if len(k.fields) == 1 && k.fields[0].kind == layers {
		layer.inner = d.list(value, depth+1)
		return layer, layer.inner != nil
	}
	if value.Kind != yaml.MappingNode && len(k.fields) > 0 {
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: k.fields[0].key, Line: value.Line, Column: value.Column}
		value = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}, Line: value.Line, Column: value.Column}
	}
	layer.values = d.fields(value, k.name, k.fields)
	return layer, layer.values != nil
}

// fields reads a mapping by a table; nil after a mistake.
func (d *decoder) fields(n *yaml.Node, what string, table []field) values {
	before := d.mistakes.Len()
	keys := make([]string, len(table))
	for i, f := range table {
		keys[i] = f.key
	}
	out := values{}
	d.mapping(n, what, keys, func(key string, value *yaml.Node) {
		f := &table[slices.Index(keys, key)]
		x, ok := f.parse(value)
		if !ok {
			d.fail(value, "expected %s for %s of %s, got %s", f.expects(), key, what, describe(value))
		}
		out[key] = x
	})
	for _, f := range table {
		if _, ok := out[f.key]; !ok {
			if f.standard == nil {
				d.fail(n, "no %s of %s, expected %s", f.key, what, f.expects())
			}
			out[f.key] = f.standard
		}
	}
	if d.mistakes.Len() > before {
		return nil
	}
	return out
}
