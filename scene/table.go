package scene

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// field is one row of the description of a struct: a struct tag, parsed.
type field struct {
	index    int    // of the struct's field
	key      string // in the file; "" for fields that are not in it
	goName   string
	doc      string
	unit     string
	def      string // default as YAML, "" for the zero value
	one      string
	enum     []string
	ref      string
	min      int
	single   string
	interval interval
	required bool
	inline   bool
	short    bool
	isMap    bool
	empty    bool
	derived  bool
	config   bool
}

// interval is the range of a number.
type interval struct {
	lo, hi         float64
	loOpen, hiOpen bool
}

// real is the interval of all finite numbers.
var real = interval{lo: math.Inf(-1), hi: math.Inf(1), loOpen: true, hiOpen: true}

// table holds the rows of every struct of the format. It is built once from
// the tags and never changes.
var table = buildTable(reflect.TypeFor[Scene]())

// fieldsOf returns the rows of a struct type of the format.
func fieldsOf(t reflect.Type) []field { return table[t] }

// buildTable collects the rows of root and of every struct it reaches.
func buildTable(root reflect.Type) map[reflect.Type][]field {
	all := map[reflect.Type][]field{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(t.Elem())
		case reflect.Struct:
			if _, done := all[t]; done {
				return
			}
			all[t] = nil
			rows := make([]field, 0, t.NumField())
			for i := range t.NumField() {
				rows = append(rows, parseTag(i, t.Field(i)))
				visit(t.Field(i).Type)
			}
			all[t] = rows
		}
	}
	visit(root)
	return all
}

// parseTag reads one struct tag. A malformed one is our own mistake.
func parseTag(index int, f reflect.StructField) field {
	r := field{index: index, goName: f.Name, key: f.Tag.Get("key"), doc: f.Tag.Get("doc"), unit: f.Tag.Get("unit"),
		def: f.Tag.Get("default"), one: f.Tag.Get("one"), ref: f.Tag.Get("ref"), single: f.Tag.Get("single"), interval: real}
	if r.key == "" {
		panic("scene: field " + f.Name + " has no key")
	}
	if r.key == "-" {
		r.key = ""
	}
	if e := f.Tag.Get("enum"); e != "" {
		r.enum = strings.Split(e, "|")
	}
	if m := f.Tag.Get("min"); m != "" {
		r.min, _ = strconv.Atoi(m)
	}
	if s := f.Tag.Get("range"); s != "" {
		r.interval = parseInterval(s)
	}
	for opt := range strings.SplitSeq(f.Tag.Get("opt"), ",") {
		r.setOption(opt)
	}
	return r
}

func (r *field) setOption(opt string) {
	switch opt {
	case "":
	case "required":
		r.required = true
	case "inline":
		r.inline = true
	case "short":
		r.short = true
	case "map":
		r.isMap = true
	case "empty":
		r.empty = true
	case "derived":
		r.derived = true
	case "config":
		r.config = true
	default:
		panic("scene: unknown option " + opt + " of field " + r.goName)
	}
}

// parseInterval reads "(0,inf)", "[0,1]" and the like.
func parseInterval(s string) interval {
	body := strings.Trim(s, "[]()")
	lo, hi, ok := strings.Cut(body, ",")
	a, err1 := strconv.ParseFloat(lo, 64)
	b, err2 := strconv.ParseFloat(hi, 64)
	if !ok || err1 != nil || err2 != nil {
		panic("scene: bad interval " + s)
	}
	return interval{lo: a, hi: b, loOpen: s[0] == '(', hiOpen: s[len(s)-1] == ')'}
}

// contains reports whether x is finite and in the interval.
func (r interval) contains(x float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return false
	}
	above := x > r.lo || x == r.lo && !r.loOpen
	below := x < r.hi || x == r.hi && !r.hiOpen
	return above && below
}

// String words the interval for "expected a number ...": "> 0", "from 0 to 1".
func (r interval) String() string {
	noLo, noHi := math.IsInf(r.lo, -1), math.IsInf(r.hi, 1)
	low := fmt.Sprintf(">= %g", r.lo)
	if r.loOpen {
		low = fmt.Sprintf("> %g", r.lo)
	}
	high := fmt.Sprintf("<= %g", r.hi)
	if r.hiOpen {
		high = fmt.Sprintf("< %g", r.hi)
	}
	switch {
	case noLo && noHi:
		return ""
	case noHi:
		return low
	case noLo:
		return high
	}
	return low + " and " + high
}
