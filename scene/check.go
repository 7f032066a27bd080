package scene

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

func reflectScene(s *Scene) reflect.Value { return reflect.ValueOf(s).Elem() }

// check is what the table can not say: references, cycles, fields that only
// make sense together, and the fit. It fills in the views' defaults. Entries
// with mistakes of their own are left out, lest consequences be reported.
func (d *decoder) check(s *Scene, root *yaml.Node) {
	d.checkViews(s)
	d.checkUses()
	d.checkCycles()
	for i := range s.Cameras {
		if c := &s.Cameras[i]; !d.broken[c.Name] {
			d.checkCamera(s, c)
		}
	}
	if s.Fit != nil {
		d.checkParameters(s)
		d.checkGrid(s)
	}
	for i := range s.Objects {
		if o := &s.Objects[i]; !d.broken[o.Name] {
			d.checkObject(s, o)
		}
	}
	for i := range s.Lights {
		if l := &s.Lights[i]; !d.broken[l.Name] {
			d.checkLight(d.named["light "+l.Name], NamedLight{l.Name, *l})
		}
	}
	for i := range s.Views {
		d.checkView(s, &s.Views[i], d.viewNode(i, root))
	}
}

func (d *decoder) viewNode(i int, root *yaml.Node) *yaml.Node {
	if i < len(d.views) {
		return d.views[i]
	}
	return root
}

// defaultViews is what a file without views means: every camera once.
func defaultViews(s *Scene) []View {
	var views []View
	for i, c := range s.Cameras {
		v := View{Name: fmt.Sprintf("view%d", i)}
		setDefaults(reflect.ValueOf(&v).Elem())
		v.Camera = c.Name
		views = append(views, v)
	}
	return views
}

// checkViews names the views and gives each its camera.
func (d *decoder) checkViews(s *Scene) {
	if len(s.Views) == 0 {
		s.Views = defaultViews(s)
	}
	for i := range s.Views {
		v := &s.Views[i]
		node := &yaml.Node{Line: 1, Column: 1}
		if i < len(d.views) {
			node = d.views[i]
		}
		if v.Name == "" {
			v.Name = fmt.Sprintf("view%d", i)
		}
		d.declare(&yaml.Node{Kind: yaml.ScalarNode, Value: v.Name, Line: node.Line, Column: node.Column}, "view")
		if v.Camera == "" && len(s.Cameras) > 0 {
			v.Camera = s.Cameras[0].Name
		}
	}
}

// checkUses reports names that nothing has.
func (d *decoder) checkUses() {
	for _, u := range d.uses {
		if d.named[u.kind+" "+u.name] != nil {
			continue
		}
		var known []string
		for k := range d.named {
			if name, ok := strings.CutPrefix(k, u.kind+" "); ok {
				known = append(known, name)
			}
		}
		slices.Sort(known)
		hint := yamlfile.Suggest(u.name, known)
		if hint == "" && len(known) > 0 {
			hint = ", expected one of " + strings.Join(known[:min(len(known), 12)], ", ")
		}
		d.fail(u.node, "no %s %q%s", u.kind, u.name, hint)
	}
}

// checkCycles reports objects that are made of themselves and cameras that
// orbit themselves, each cycle once, with its members in order.
func (d *decoder) checkCycles() {
	next := map[string][]use{}
	var order []string
	for _, u := range d.uses {
		if u.by == "" || !strings.HasPrefix(u.by, u.kind+" ") {
			continue
		}
		if next[u.by] == nil {
			order = append(order, u.by)
		}
		next[u.by] = append(next[u.by], u)
	}
	state := map[string]int{} // 1: on the path, 2: done
	var path []string
	var visit func(name string)
	visit = func(name string) {
		state[name] = 1
		path = append(path, name)
		for _, u := range next[name] {
			to := u.kind + " " + u.name
			switch state[to] {
			case 0:
				visit(to)
			case 1:
				loop := append(slices.Clone(path[slices.Index(path, to):]), to)
				for i := range loop {
					loop[i] = strings.TrimPrefix(loop[i], u.kind+" ")
					d.broken[loop[i]] = true
				}
				d.fail(u.node, "cycle of references: %s", strings.Join(loop, " -> "))
			}
		}
		path = path[:len(path)-1]
		state[name] = 2
	}
	for _, name := range order {
		if state[name] == 0 {
			visit(name)
		}
	}
}

func (d *decoder) checkCamera(s *Scene, c *Camera) {
	n := d.named["camera "+c.Name]
	if (c.Height != nil) != (c.Projection == Orthographic) {
		d.fail(n, "camera %q: expected height with projection: orthographic, fov or focal with perspective", c.Name)
	}
	if _, err := s.Extrinsics(c.Name); err != nil {
		d.fail(n, "%s", strings.TrimPrefix(err.Error(), "scene: "))
	}
	if pixels := c.Resolution[0] * c.Resolution[1]; pixels > 1<<26 {
		d.fail(n, "camera %q: expected at most %d pixels, got %d", c.Name, 1<<26, pixels)
	}
}

func (d *decoder) checkObject(s *Scene, o *Object) {
	n := d.named["object "+o.Name]
	if o.Pose != nil && (o.Translation != nil || o.Rotation != nil || o.Scale != nil) {
		d.fail(n, "object %q: pose excludes translation, rotation and scale", o.Name)
	}
	if b := o.Box; b != nil && b.Radius > min(b.Size[0], b.Size[1], b.Size[2])/2 {
		d.fail(n, "object %q: expected a rounding radius of at most half the shortest edge, got %g", o.Name, b.Radius)
	}
	root := slices.ContainsFunc(s.Roots(), func(i int) bool { return s.Objects[i].Name == o.Name })
	switch {
	case root && o.Material == nil:
		d.fail(n, "object %q: expected a material", o.Name)
	case !root && o.Material != nil:
		d.fail(n, "object %q is part of another: expected its material at that object", o.Name)
	case !root && o.Rectangle != nil:
		d.fail(n, "object %q: a rectangle has no inside, expected a solid shape as operand", o.Name)
	}
	if m, _ := s.MaterialOf(o); m != nil && o.Rectangle == nil && (m.Albedo.Checkerboard != nil || m.Albedo.Image != nil) {
		d.fail(n, "object %q: expected a rectangle under a checkerboard or image texture", o.Name)
	}
	if m, _ := s.MaterialOf(o); m != nil && m.Albedo.Checkerboard != nil {
		if e := m.Albedo.Checkerboard.Extent; e != nil && !(e[0] < e[2] && e[1] < e[3]) {
			d.fail(n, "object %q: expected extent [x0, y0, x1, y1] with x0 < x1 and y0 < y1", o.Name)
		}
	}
}

func (d *decoder) checkLight(n *yaml.Node, l NamedLight) {
	if l.Shadows == ShadowsNone {
		return
	}
	switch {
	case l.Ambient != nil:
		d.fail(n, "light %q: expected shadows: none for an ambient light", l.Path)
	case l.Shadows == ShadowsSoft && l.Directional != nil && l.Directional.Angle == 0:
		d.fail(n, "light %q: expected an angle > 0 with soft shadows", l.Path)
	case l.Shadows == ShadowsSoft && l.Point != nil && l.Point.Radius == 0:
		d.fail(n, "light %q: expected a radius > 0 with soft shadows", l.Path)
	}
}

func (d *decoder) checkView(s *Scene, v *View, n *yaml.Node) {
	if v.Valid != nil && !(v.Valid[0] < v.Valid[1]) {
		d.fail(n, "view %q: expected valid: [least, greatest]", v.Name)
	}
	if v.Mask != nil && v.Mask.Rectangle != nil {
		if r := v.Mask.Rectangle; !(r[0] < r[2] && r[1] < r[3]) {
			d.fail(n, "view %q: expected rectangle [x0, y0, x1, y1] with x0 < x1 and y0 < y1", v.Name)
		}
	}
	for _, l := range s.LightsOf(v) {
		if s.Light(l.Path) == nil {
			d.checkLight(n, l)
		}
	}
}

// checkParameters resolves every fitted path, creating fields that are absent.
func (d *decoder) checkParameters(s *Scene) {
	var seen []string
	for i := range s.Fit.Parameters {
		p, n := &s.Fit.Parameters[i], d.params[i]
		if j := slices.IndexFunc(seen, func(o string) bool { return overlap(o, p.Path) }); j >= 0 {
			d.fail(n, "parameter %s overlaps with %s in line %d", p.Path, seen[j], d.params[j].Line)
		}
		seen = append(seen, p.Path)
		if root, _, _ := strings.Cut(p.Path, "."); d.broken[root] || p.Path == "" {
			continue
		}
		b, err := makeBlock(s, p)
		if err == nil {
			err = checkValues(s, p, &b)
		}
		if err != nil {
			d.fail(valueOf(n, "path"), "parameter %s: %v", p.Path, err)
		}
	}
}

// valueOf returns the value of a key of a mapping node, or the node itself.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return n
}

// checkValues checks the lengths and ranges of start, truth and range.
func checkValues(s *Scene, p *Parameter, b *Block) error {
	if b.Kind == KindPerPixel {
		if p.Start != nil || p.Truth != nil || p.Range != nil {
			return fmt.Errorf("per-pixel parameters take no start, truth or range here")
		}
		return nil
	}
	values, err := s.Get(p.Path)
	if err != nil {
		return err
	}
	for _, list := range []struct {
		name   string
		values []float64
	}{{"start", p.Start}, {"truth", p.Truth}} {
		if list.values == nil {
			continue
		}
		if len(list.values) != len(values) {
			return fmt.Errorf("%s: expected %d numbers, got %d", list.name, len(values), len(list.values))
		}
		l := b.leaf(s)
		for _, x := range list.values {
			if !l.f.interval.contains(x) {
				return fmt.Errorf("%s: expected numbers %s, got %g", list.name, l.f.interval, x)
			}
		}
		if b.Kind == KindUnitVector && length(Vec3(list.values)) == 0 {
			return fmt.Errorf("%s: expected a direction other than [0, 0, 0]", list.name)
		}
	}
	start := values
	if p.Start != nil {
		start = p.Start
	}
	if err := b.checkInside(start); err != nil {
		return err
	}
	return b.checkRange(p.Range, start)
}

// checkRange checks the half-widths of random starts.
func (b *Block) checkRange(widths, start []float64) error {
	if widths == nil {
		return nil
	}
	want := len(start)
	switch {
	case b.Kind == KindPose:
		want = 2
	case b.Kind == KindUnitVector || b.Kind == KindRotation:
		want = 1
	case len(widths) == 1:
		want = 1
	}
	if len(widths) != want {
		return fmt.Errorf("range: expected %d numbers, got %d", want, len(widths))
	}
	for i, x := range start {
		w := widths[min(i, len(widths)-1)]
		if b.Kind == KindPositive && w >= x || b.Kind == KindBounds && (x-w <= b.Lo || x+w >= b.Hi) {
			return fmt.Errorf("range: expected %g plus or minus %g to stay inside the constraint", x, w)
		}
	}
	return nil
}

// checkGrid resolves the axes of the grid of starts.
func (d *decoder) checkGrid(s *Scene) {
	if s.Fit.Starts == nil {
		return
	}
	points := s.Fit.Starts.Count
	for i, a := range s.Fit.Starts.Grid {
		n := d.axes[i]
		if root, _, _ := strings.Cut(a.Path, "."); d.broken[root] || a.Path == "" {
			continue
		}
		fitted := slices.ContainsFunc(s.Fit.Parameters, func(p Parameter) bool { return overlap(p.Path, a.Path) })
		values, err := s.Get(a.Path)
		switch {
		case err != nil:
			d.fail(valueOf(n, "path"), "%s", strings.TrimPrefix(err.Error(), "scene: "))
		case !fitted:
			d.fail(valueOf(n, "path"), "expected a path in fit.parameters, %s is not fitted", a.Path)
		case len(values) != 1 && len(values) != 6:
			d.fail(valueOf(n, "path"), "expected a single number such as %s.x, or a pose", a.Path)
		}
		if points *= a.Count; points > 1_000_000 || points < 0 {
			d.fail(n, "expected at most 1000000 starts in all")
			return
		}
	}
}
