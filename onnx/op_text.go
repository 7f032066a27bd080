package onnx

import (
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func textOperators() []operator {
	return []operator{
		op("StringNormalizer", evalStringNormalizer, 10),
		op("TfIdfVectorizer", evalTfIdfVectorizer, 9),
	}
}

// evalStringNormalizer drops words, and changes the case of the rest; one empty word is left of none.
func evalStringNormalizer(c *call) {
	x := host(c.in(0))
	if x.Type() != ndarray.String || x.Rank() < 1 || x.Rank() > 2 || x.Rank() == 2 && x.Shape()[0] != 1 {
		fail("expected strings [n] or [1, n], got %v", x)
	}
	stop, sensitive := c.texts("stopwords"), c.flag("is_case_sensitive", false)
	same := strings.EqualFold
	if sensitive {
		same = func(a, b string) bool { return a == b }
	}
	change, ok := map[string]func(string) string{
		"LOWER": strings.ToLower, "UPPER": strings.ToUpper, "NONE": func(s string) string { return s },
	}[c.text("case_change_action", "NONE")]
	if !ok {
		fail("expected case_change_action LOWER, UPPER or NONE")
	}
	var kept []string
	for _, word := range ndarray.Elements[string](x) {
		if !slices.ContainsFunc(stop, func(s string) bool { return same(s, word) }) {
			kept = append(kept, change(word))
		}
	}
	if len(kept) == 0 {
		kept = []string{""}
	}
	shape := []int{len(kept)}
	if x.Rank() == 2 {
		shape = []int{1, len(kept)}
	}
	c.out(must(ndarray.Of(kept, shape...)))
}

// vocabulary is the n-grams that are counted, and where in the result.
type vocabulary struct {
	places             map[string]int // by the words of an n-gram, each ended by a zero
	shortest, longest  int
	skips, size        int
	weights            []float32
	frequency, inverse bool
}

func (c *call) vocabulary() vocabulary {
	v := vocabulary{
		places: map[string]int{}, shortest: c.integer("min_gram_length", 1), longest: c.integer("max_gram_length", 1),
		skips: c.integer("max_skip_count", 0), weights: c.floats("weights"),
	}
	mode := c.text("mode", "")
	v.frequency, v.inverse = mode != "IDF", mode != "TF"
	words := c.texts("pool_strings")
	if a := c.attribute("pool_int64s", format.IntsKind); a != nil {
		words = ndarray.Elements[string](must(ndarray.Cast(ndarray.Vector(a.Ints...), ndarray.String)))
	}
	starts, indexes := c.list("ngram_counts"), c.list("ngram_indexes")
	if v.shortest < 1 || v.longest < v.shortest || v.skips < 0 || v.skips > 1<<20 {
		fail("expected lengths of n-grams from 1 on and a number of skips, got %+v", v)
	}
	gram := 0
	for i, start := range starts {
		end := len(words)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		for ; start >= 0 && start+i+1 <= end && end <= len(words) && gram < len(indexes); start += i + 1 {
			v.places[key(words[start:start+i+1])] = gram
			gram++
		}
	}
	for _, index := range indexes {
		v.size = max(v.size, index+1)
		if index < 0 || index > ndarray.MaxElements {
			fail("expected places from 0 on, got %d", index)
		}
	}
	if v.weights != nil && len(v.weights) != len(indexes) {
		fail("expected %d weights, got %d", len(indexes), len(v.weights))
	}
	return v
}

func key(words []string) string { return strings.Join(words, "\x00") + "\x00" }

// evalTfIdfVectorizer counts the n-grams of each row, whose words may stand apart by a number of skips.
func evalTfIdfVectorizer(c *call) {
	x, v := host(c.in(0)), c.vocabulary()
	indexes := c.list("ngram_indexes")
	words := ndarray.Elements[string](must(ndarray.Cast(x, ndarray.String)))
	rows, shape := 1, []int{v.size}
	if x.Rank() == 2 {
		rows, shape = x.Shape()[0], []int{x.Shape()[0], v.size}
	}
	out := must(ndarray.New(ndarray.Float32, shape...))
	width := len(words) / max(rows, 1)
	for r := range rows {
		row := ndarray.Elements[float32](out)[r*v.size : (r+1)*v.size]
		v.count(words[r*width:(r+1)*width], func(gram int) {
			switch weight := v.weight(gram); {
			case v.frequency && v.inverse:
				row[indexes[gram]] += weight
			case v.frequency:
				row[indexes[gram]]++
			default:
				row[indexes[gram]] = weight
			}
		})
	}
	c.out(out)
}

func (v vocabulary) weight(gram int) float32 {
	if v.weights == nil {
		return 1
	}
	return v.weights[gram]
}

// count visits the n-grams of a row that are in the vocabulary. Single words have no skips.
func (v vocabulary) count(row []string, visit func(gram int)) {
	for n := v.shortest; n <= min(v.longest, len(row)); n++ {
		for skip := range v.skips + 1 {
			if n == 1 && skip > 0 || (n-1)*(skip+1) >= len(row) {
				break
			}
			for start := range len(row) - (n-1)*(skip+1) {
				words := make([]string, n)
				for i := range words {
					words[i] = row[start+i*(skip+1)]
				}
				if gram, ok := v.places[key(words)]; ok {
					visit(gram)
				}
			}
		}
	}
}
