package render

import (
	"slices"

	"github.com/baremetaldevx86/microdr/trace"
)

// cover returns the index, among the scene's objects, of the one that the centre of the lane's pixel shows, or -1.
func (t *tracer) cover() trace.Float {
	s := t.sample()
	r := t.cameraRay(s.at)
	shown, nearest := t.Float(-1), t.Float(t.scene.Integrator.Far)
	if len(t.solids) > 0 {
		m := t.march(t.cameraPath(r), false)
		for i, o := range t.solids {
			shown = t.is(m.solid, i).Select(t.number(o.object.Name), shown)
		}
		nearest = m.hit.Select(m.at, nearest)
	}
	for i, l := range t.layers(s, r) {
		on := l.coverage.Above(0.5).And(l.distance.Lt(nearest))
		shown = on.Select(t.number(t.rectangles[i].object.Name), shown)
		nearest = on.Select(l.distance, nearest)
	}
	return shown
}

// number is the object's index as a constant.
func (t *tracer) number(object string) trace.Float { return t.Float(float64(t.plan.number(object))) }

func (p *plan) number(object string) int {
	for i := range p.scene.Objects {
		if p.scene.Objects[i].Name == object {
			return i
		}
	}
	return -1
}

// shrink keeps the pixels whose distance to every pixel outside the set is over margin, or, for a negative margin,
// adds those within -margin of the set. Distances are between centres; the image's border does not count as outside.
func shrink(set []bool, width, height int, margin float64) []bool {
	if margin == 0 {
		return set
	}
	out := slices.Clone(set)
	from := margin < 0 // what spreads: the outside, or the set
	reach := int(max(margin, -margin))
	limit := margin * margin
	for y := range height {
		for x := range width {
			i := y*width + x
			if set[i] != from || !onRim(set, width, height, x, y) {
				continue
			}
			for dy := max(-reach, -y); dy <= min(reach, height-1-y); dy++ {
				for dx := max(-reach, -x); dx <= min(reach, width-1-x); dx++ {
					if float64(dx*dx+dy*dy) <= limit {
						out[i+dy*width+dx] = from
					}
				}
			}
		}
	}
	return out
}

// onRim tells whether one of the eight neighbours differs.
func onRim(set []bool, width, height, x, y int) bool {
	for ny := max(y-1, 0); ny <= min(y+1, height-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, width-1); nx++ {
			if set[ny*width+nx] != set[y*width+x] {
				return true
			}
		}
	}
	return false
}
