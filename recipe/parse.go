package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The most that a file may have of each.
const (
	maxLayers = 1000
	maxDepth  = 8 // of layers in layers
	maxErrors = 100
)

// decoder collects every mistake on its way through a file.
type decoder struct {
	file   string
	errs   Errors
	layers int
}

// Parse reads the text of a file; name stands in errors. It reports every mistake that it finds as Errors.
func Parse(name string, text []byte) (*Recipe, error) {
	d := &decoder{file: name}
	r := &Recipe{file: name}
	if root := d.read(text); root != nil {
		d.recipe(root, r)
	}
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, d.errs
	}
	return r, nil
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, &Error{d.file, max(1, n.Line), max(1, n.Column), fmt.Sprintf(format, args...)})
	}
}

// read parses the text to its one document's root.
func (d *decoder) read(text []byte) *yaml.Node {
	if len(text) > maxBytes {
		d.fail(&yaml.Node{}, "a file of %d bytes, expected at most %d", len(text), maxBytes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) || err == nil && len(document.Content) != 1 {
		d.fail(&yaml.Node{}, "an empty file, expected layers and training")
		return nil
	}
	if err == nil {
		if err = decoder.Decode(&more); errors.Is(err, io.EOF) {
			return document.Content[0]
		}
	}
	if err == nil {
		d.fail(&more, "a second document, expected one")
	} else {
		d.failYAML(err)
	}
	return nil
}

// failYAML reports an error of the YAML reader, which has the line in its text.
func (d *decoder) failYAML(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	n := &yaml.Node{}
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	d.fail(n, "expected YAML: %s", message)
}

func (d *decoder) recipe(n *yaml.Node, r *Recipe) {
	training := values{}
	d.mapping(n, "a recipe", []string{"layers", "training"}, func(key string, value *yaml.Node) {
		if key == "layers" {
			r.Layers = d.list(value, 0)
		} else {
			training = d.fields(value, "training", trainingFields())
		}
	})
	if len(d.errs) > 0 {
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
			d.fail(key, "unknown field %s of %s, expected one of %s", describe(key), what, strings.Join(known, ", "))
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
		d.fail(name, "unknown layer %s, expected one of %s", describe(name), layerNames(table))
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
	before := len(d.errs)
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
	if len(d.errs) > before {
		return nil
	}
	return out
}
