package recipe

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a row of a table: a key of a mapping and what may stand there.
type field struct {
	key         string
	kind        kind
	least, most float64  // of numbers
	choices     []string // of words
	standard    any      // float64, bool or string; nil: it must be given
}

// kind is what stands under a key.
type kind uint8

const (
	number kind = iota
	whole
	truth
	word
	layers // a list of layers
)

// values are what a mapping has under its keys, or the standards: float64, bool or string.
type values map[string]any

func (v values) number(key string) float64 { return v[key].(float64) }
func (v values) whole(key string) int      { return int(v[key].(float64)) }
func (v values) truth(key string) bool     { return v[key].(bool) }
func (v values) word(key string) string    { return v[key].(string) }

// expects words what a field takes.
func (f *field) expects() string {
	switch f.kind {
	case truth:
		return "true or false"
	case word:
		return "one of " + strings.Join(f.choices, ", ")
	case layers:
		return "a list of layers"
	case whole:
		return "a whole number " + f.bounds()
	}
	return "a number " + f.bounds()
}

func (f *field) bounds() string {
	if math.IsInf(f.most, 1) {
		return "of at least " + plainNumber(f.least)
	}
	return fmt.Sprintf("from %s to %s", plainNumber(f.least), plainNumber(f.most))
}

// plainNumber writes numbers as people do, large ones in full.
func plainNumber(x float64) string {
	if x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(x)
}

// parse returns what stands in a node, if it is what the field takes.
func (f *field) parse(n *yaml.Node) (any, bool) {
	if n.Kind != yaml.ScalarNode {
		return nil, false
	}
	switch f.kind {
	case truth:
		var b bool
		ok := n.ShortTag() == "!!bool" && n.Decode(&b) == nil
		return b, ok
	case word:
		return n.Value, n.ShortTag() == "!!str" && slices.Contains(f.choices, n.Value)
	}
	var x float64
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" || n.Decode(&x) != nil {
		return nil, false
	}
	return x, x >= f.least && x <= f.most && (f.kind != whole || x == math.Trunc(x))
}

// describe words what stands in a node.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.ShortTag() == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%.40q", n.Value)
}
