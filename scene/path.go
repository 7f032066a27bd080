package scene

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
)

// leaf is one place of a scene that a path can name: a number, a vector, a
// rotation, a pose (before the two leaves inside it) or a per-pixel map.
type leaf struct {
	path    string
	v       reflect.Value // addressable
	f       *field
	absent  bool // v is a nil pointer whose default the table knows
	derived bool // reaches the renderer through the camera's own uniforms
}

// walk visits every leaf of s in the order of the table.
func walk(s *Scene, visit func(leaf)) {
	w := walker{visit: visit}
	w.fields(reflect.ValueOf(s).Elem(), "", false)
}

// walker visits leaves; with a target, only those on the way to it.
type walker struct {
	visit    func(leaf)
	target   string
	nameless bool // leaves need no path
}

// leadsTo reports whether path, or something below it, can be the target.
func (w *walker) leadsTo(path string) bool {
	if w.target == "" || path == "" {
		return true
	}
	rest, ok := strings.CutPrefix(w.target, path)
	return ok && (rest == "" || rest[0] == '.')
}

// leadsBelow is leadsTo of join(prefix, key), where prefix leads to the target.
func (w *walker) leadsBelow(prefix, key string) bool {
	if w.target == "" {
		return true
	}
	rest := w.target[len(prefix):]
	if prefix != "" {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, "."); !ok {
			return false
		}
	}
	rest, ok := strings.CutPrefix(rest, key)
	return ok && (rest == "" || rest[0] == '.')
}

func (w *walker) fields(v reflect.Value, prefix string, derived bool) {
	rows := fieldsOf(v.Type())
	for i := range rows {
		f := &rows[i]
		if f.config || f.key == "" && !f.inline {
			continue
		}
		x := v.Field(f.index)
		path := prefix
		if !f.isMap && !f.inline && x.Type() != reflect.TypeFor[[]View]() {
			if !w.leadsBelow(prefix, f.key) {
				continue
			}
			path = w.join(prefix, f.key)
		}
		w.value(x, path, f, derived || f.derived)
	}
}

func (w *walker) join(prefix, key string) string {
	if prefix == "" || w.nameless {
		return key
	}
	return prefix + "." + key
}

func (w *walker) value(v reflect.Value, path string, f *field, derived bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			if f.def != "" {
				w.visit(leaf{path, v, f, true, derived})
			}
			return
		}
		w.value(v.Elem(), path, f, derived)
	case reflect.Struct:
		switch v.Addr().Interface().(type) {
		case *Pose, *AlbedoMap, *NormalPixels, *ImageTexture:
			w.visit(leaf{path, v, f, false, derived})
		}
		w.fields(v, path, derived)
	case reflect.Slice, reflect.Array:
		w.list(v, path, f, derived)
	case reflect.Float64:
		w.visit(leaf{path, v, f, false, derived})
	}
}

func (w *walker) list(v reflect.Value, path string, f *field, derived bool) {
	switch v.Type().Elem().Kind() {
	case reflect.Float64:
		if v.Kind() == reflect.Array {
			w.visit(leaf{path, v, f, false, derived})
		}
	case reflect.Struct:
		for i := range v.Len() {
			e := v.Index(i)
			if p := w.elementPath(e, path, i); w.leadsTo(p) {
				w.fields(e, p, derived)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			w.value(v.Index(i), w.numbered(path, i), f, derived)
		}
	}
}

// elementPath is the path of a list's element: the root that its name is, or
// its index below the list.
func (w *walker) elementPath(e reflect.Value, list string, i int) string {
	switch x := e.Addr().Interface().(type) {
	case *Camera:
		return x.Name
	case *Object:
		return x.Name
	case *Material:
		return x.Name
	case *Light:
		return x.Name
	case *View:
		return x.Name
	}
	return w.numbered(list, i)
}

func (w *walker) numbered(list string, i int) string {
	if w.nameless {
		return list
	}
	return list + "." + strconv.Itoa(i)
}

// components names the components of a leaf's value; nil for a single number.
func components(t reflect.Type) []string { return componentTable[t] }

// componentTable is built once and never changes.
var componentTable = map[reflect.Type][]string{
	reflect.TypeFor[Vec2]():       Vec2{}.Components(),
	reflect.TypeFor[Vec3]():       Vec3{}.Components(),
	reflect.TypeFor[Direction]():  Direction{}.Components(),
	reflect.TypeFor[Color]():      Color{}.Components(),
	reflect.TypeFor[Rotation]():   Rotation{}.Components(),
	reflect.TypeFor[Distortion](): Distortion{}.Components(),
	reflect.TypeFor[Rect]():       Rect{}.Components(),
}

// lookup finds the leaf that path names, or the leaf and the component; whole
// leaves have component -1. An absent leaf is created with its default.
func (s *Scene) lookup(path string) (leaf, int, error) {
	found, component := s.find(path)
	if found == nil {
		var known []string
		walk(s, func(l leaf) { known = append(known, l.path) })
		return leaf{}, 0, fmt.Errorf("unknown path %q%s", path, suggestPath(path, known))
	}
	if found.absent {
		p := found.standard()
		found.v.Set(p)
		found.v, found.absent = p.Elem(), false
	}
	return *found, component, nil
}

// standard returns a pointer to the default of an absent leaf.
func (l leaf) standard() reflect.Value {
	p := reflect.New(l.v.Type().Elem())
	setDefault(p.Elem(), l.f)
	return p
}

// find is lookup without the message and without creating anything.
func (s *Scene) find(path string) (found *leaf, component int) {
	if path == "" {
		return nil, -1
	}
	component = -1
	w := walker{target: path}
	w.visit = func(l leaf) {
		if l.path == path {
			found, component = &l, -1
			return
		}
		rest, ok := strings.CutPrefix(path, l.path+".")
		if !ok {
			return
		}
		if i := slices.Index(componentsOf(l), rest); i >= 0 {
			found, component = &l, i
		}
	}
	w.fields(reflect.ValueOf(s).Elem(), "", false)
	return found, component
}

func componentsOf(l leaf) []string {
	t := l.v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return components(t)
}

// suggestPath suggests the nearest path, or lists what the root offers.
func suggestPath(path string, known []string) string {
	if s := yamlfile.Suggest(path, known); s != "" {
		return s
	}
	if s := suggestWithoutUnion(path, known); s != "" {
		return s
	}
	root, _, _ := strings.Cut(path, ".")
	var under []string
	for _, k := range known {
		if strings.HasPrefix(k, root+".") {
			under = append(under, k)
		}
	}
	if len(under) > 0 {
		return ", expected one of " + strings.Join(under[:min(len(under), 12)], ", ")
	}
	return ", expected the name of a camera, object, material, light or view, then its fields"
}

// suggestWithoutUnion suggests the path with one of its keys left out, where
// that is known: the file has ball: {sphere: {radius: 1}}, the path is
// ball.radius.
func suggestWithoutUnion(path string, known []string) string {
	keys := strings.Split(path, ".")
	for i := 1; i < len(keys)-1; i++ {
		shorter := strings.Join(slices.Delete(slices.Clone(keys), i, i+1), ".")
		for _, k := range known {
			if shorter == k || strings.HasPrefix(shorter, k+".") {
				return fmt.Sprintf("; did you mean %q?", shorter)
			}
		}
	}
	return ""
}

// floats returns pointers to the numbers of a leaf: one, those of a vector, or
// a pose's rotation and translation.
func (l leaf) floats() []*float64 {
	switch x := l.v.Addr().Interface().(type) {
	case *float64:
		return []*float64{x}
	case *Pose:
		return x.floats()
	}
	if l.v.Kind() != reflect.Array {
		return nil
	}
	out := make([]*float64, l.v.Len())
	for i := range out {
		out[i] = l.v.Index(i).Addr().Interface().(*float64)
	}
	return out
}

// floats returns pointers to the rotation, then the translation.
func (p *Pose) floats() []*float64 {
	r, t := &p.Rotation, &p.Translation
	return []*float64{&r[0], &r[1], &r[2], &t[0], &t[1], &t[2]}
}

// Get returns the numbers that path names: one, or a vector's components, or a
// pose's rotation (Rodrigues, radians) and translation.
func (s *Scene) Get(path string) ([]float64, error) {
	l, c := s.find(path)
	if l == nil {
		_, _, err := s.lookup(path)
		return nil, fmt.Errorf("scene: %w", err)
	}
	if l.absent {
		l.v = l.standard().Elem()
	}
	ps := l.floats()
	if c >= 0 {
		ps = ps[c : c+1]
	}
	out := make([]float64, len(ps))
	for i, p := range ps {
		out[i] = *p
	}
	return out, nil
}

// Set changes the numbers that path names; values are as in Get.
func (s *Scene) Set(path string, values []float64) error {
	l, c, err := s.lookup(path)
	if err != nil {
		return fmt.Errorf("scene: %w", err)
	}
	ps := l.floats()
	if c >= 0 {
		ps = ps[c : c+1]
	}
	if len(values) != len(ps) {
		return fmt.Errorf("scene: %s has %d numbers, got %d", path, len(ps), len(values))
	}
	for i, p := range ps {
		*p = values[i]
	}
	return nil
}

// Paths returns every path that a parameter can name, without components.
func (s *Scene) Paths() []string {
	var out []string
	walk(s, func(l leaf) {
		if _, image := l.v.Interface().(ImageTexture); !image {
			out = append(out, l.path)
		}
	})
	return out
}
