package render

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// finish is how an object's surface looks: Lambert's law with an albedo.
type finish struct {
	object  *scene.Object
	diffuse *scene.Diffuse // nil: grey
	path    string         // root of the material's uniforms
}

func (p *plan) finishOf(o *scene.Object) finish {
	d, path := p.scene.MaterialOf(o)
	return finish{o, d, path}
}

// greyAlbedo is that of an object without a material.
const greyAlbedo = 0.5

// albedo returns the share of light that is reflected, where it does not vary over the surface (rectangles have more,
// see texture.go).
func (t *tracer) albedo(f finish, pixel trace.Int) trace.Vec3 {
	switch {
	case f.diffuse == nil:
		return t.Vec3(greyAlbedo, greyAlbedo, greyAlbedo)
	case f.diffuse.Albedo.PerPixel != nil:
		return t.pixelMap(f.path+".albedo", pixel)
	}
	return t.color(f.path + ".albedo")
}

// normalMap returns the normal in the world that replaces the shape's own, if the finish has one.
func (t *tracer) normalMap(f finish, pixel trace.Int) (n trace.Vec3, ok bool) {
	if f.diffuse == nil || f.diffuse.Normal == nil || f.diffuse.Normal.PerPixel == nil {
		return n, false
	}
	return t.toWorld(f.object, t.pixelMap(f.path+".normal", pixel)).Normalize(), true
}

// pixelMap reads the pixel's entry of the per-pixel buffer of that name.
func (t *tracer) pixelMap(name string, pixel trace.Int) trace.Vec3 {
	m := t.buffers.maps[name]
	if m.channels == 1 {
		x := t.Gather(m.index, pixel)
		return trace.Vec3{X: x, Y: x, Z: x}
	}
	at := pixel.Times(3)
	return trace.Vec3{X: t.Gather(m.index, at), Y: t.Gather(m.index, at.Plus(1)), Z: t.Gather(m.index, at.Plus(2))}
}

// pixelComponents returns the values that pixelMap reads, one for each channel: what per-pixel derivatives are taken
// with respect to.
func (t *tracer) pixelComponents(name string, pixel trace.Int) []ir.Value {
	v := t.pixelMap(name, pixel)
	return []ir.Value{v.X.V, v.Y.V, v.Z.V}[:t.buffers.maps[name].channels]
}

// surface is a point of a surface with what is needed to light it.
type surface struct {
	point, normal trace.Vec3
	albedo        trace.Vec3
}

// lit returns the radiance that a surface reflects: ambient light in full, every other light by its visibility,
// which is indexed like plan.lights. A nil visibility is 1.
func (t *tracer) lit(x surface, from []emitter, visibility []trace.Float) trace.Vec3 {
	sum := t.black()
	for k := range t.lights {
		if a := t.lights[k].Ambient; a != nil {
			sum = sum.Add(t.color(t.lights[k].Path + ".irradiance"))
			continue
		}
		e := from[k].irradiance(x)
		if visibility != nil && t.shadowed(k) {
			e = e.Mul(visibility[k])
		}
		sum = sum.Add(e)
	}
	return sum.MulEach(x.albedo)
}
