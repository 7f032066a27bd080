package render

import "github.com/baremetaldevx86/microdr/trace"

// The search leaves a record of every sample for the radiance stage: fields of float32, each an array over the lanes.
// These are, in order:
//
//	fieldSolid       index of the solid hit, -1 for none
//	                 distance along the ray
//	                 slope of the face's function along the ray; 0: no implicit derivative
//	fieldVisible     visibility of each light that casts shadows
//
// and, where derivatives are wanted,
//
//	fieldSilhouette  a boundary
//	                 shift of the sample towards the silhouette, two numbers in pixels
//	fieldSeam        a weight
//	fieldShadow      a boundary for each light that casts shadows
//
// A boundary is seven of them: the bracket of the closest approach, the share of its first end, the solid, and the
// weight (one per channel) that multiplies the change of the distance.
const (
	fieldSolid     = 0
	boundaryFields = 7
)

// fieldVisible is that of light k.
func (p *plan) fieldVisible(k int) int { return fieldSolid + 3 + p.casters(k) }

func (p *plan) fieldSilhouette() int { return fieldSolid + 3 + p.casters(len(p.lights)) }
func (p *plan) fieldSeam() int       { return p.fieldSilhouette() + boundaryFields + 2 }

// fieldShadow is that of light k.
func (p *plan) fieldShadow(k int) int { return p.fieldSeam() + 3 + boundaryFields*p.casters(k) }

// fields is the number of fields of a record, with the edges that derivatives need or without.
func (p *plan) fields(edges bool) int {
	if edges {
		return p.fieldShadow(len(p.lights))
	}
	return p.fieldSilhouette()
}

// casters is how many of the first k lights cast shadows.
func (p *plan) casters(k int) int {
	n := 0
	for i := range k {
		if p.shadowed(i) {
			n++
		}
	}
	return n
}

// boundary is where a solid's outline passes close to a sample, seen from the camera or from a light.
type boundary struct {
	from, to trace.Float // bracket of the closest approach along the path
	share    trace.Float // of from in the mean of the two ends
	solid    trace.Float // index
	weight   trace.Vec3  // jump of the radiance times the kernel over the gradient; zero away from the outline
}

func (b boundary) list() []trace.Float {
	return []trace.Float{b.from, b.to, b.share, b.solid, b.weight.X, b.weight.Y, b.weight.Z}
}

func boundaryOf(v []trace.Float) boundary {
	return boundary{v[0], v[1], v[2], v[3], vector(v[4:])}
}

func vector(v []trace.Float) trace.Vec3 { return trace.Vec3{X: v[0], Y: v[1], Z: v[2]} }

func list(vs ...trace.Vec3) (out []trace.Float) {
	for _, v := range vs {
		out = append(out, v.X, v.Y, v.Z)
	}
	return out
}

// write stores consecutive fields.
func (t *tracer) write(field int, values ...trace.Float) {
	t.writeTo(t.buffers.record, field, values...)
}

// writeTo stores values in consecutive rows of a buffer that has one element a lane in each.
func (t *tracer) writeTo(buffer, row int, values ...trace.Float) {
	for i, x := range values {
		t.Store(buffer, t.Lane().Plus((row+i)*t.lanes()), x)
	}
}

// read returns n consecutive fields.
func (t *tracer) read(field, n int) []trace.Float {
	out := make([]trace.Float, n)
	for i := range out {
		out[i] = t.Gather(t.buffers.record, t.Lane().Plus((field+i)*t.lanes()))
	}
	return out
}
