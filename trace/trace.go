// Package trace is the recording front end: Float, Int, Bool, Vec2, Vec3 and Mat3 are values whose methods look like
// Go arithmetic and record ir nodes, so that a distance function or a shading model reads like the formula it is.
// It knows nothing of derivatives, execution or scenes. Start with Recorder, then float.go and flow.go (loops and
// functions over whole structs).
package trace

import "github.com/baremetaldevx86/microdr/ir"

// Recorder records one lane program or one function body. Values of different recorders do not mix.
type Recorder struct {
	B *ir.Builder
}

// New starts recording a program of module m.
func New(m *ir.Module) *Recorder { return &Recorder{ir.NewBuilder(m)} }

// Module returns the module that the program belongs to.
func (r *Recorder) Module() *ir.Module { return r.B.Module() }

// Program returns what was recorded.
func (r *Recorder) Program() *ir.Program { return r.B.Program() }

// Float returns a constant.
func (r *Recorder) Float(x float64) Float { return Float{r, r.B.ConstF32(float32(x))} }

// Int returns a constant.
func (r *Recorder) Int(x int) Int { return Int{r, r.B.ConstI32(int32(x))} }

// Uint returns a constant.
func (r *Recorder) Uint(x uint32) Uint { return Uint{r, r.B.ConstU32(x)} }

// Bool returns a constant.
func (r *Recorder) Bool(x bool) Bool { return Bool{r, r.B.ConstBool(x)} }

// Uniform returns the float parameter of the module with the given name, added when new.
func (r *Recorder) Uniform(name string) Float { return Float{r, r.B.Uniform(name, ir.F32)} }

// UniformInt returns the int32 parameter of the module with the given name, added when new.
func (r *Recorder) UniformInt(name string) Int { return Int{r, r.B.Uniform(name, ir.I32)} }

// UniformUint returns the uint32 parameter of the module with the given name, added when new.
func (r *Recorder) UniformUint(name string) Uint { return Uint{r, r.B.Uniform(name, ir.U32)} }

// UniformVec3 returns the uniforms NAME.x, NAME.y, NAME.z.
func (r *Recorder) UniformVec3(name string) Vec3 {
	return Vec3{r.Uniform(name + ".x"), r.Uniform(name + ".y"), r.Uniform(name + ".z")}
}

// Lane returns the number of the lane.
func (r *Recorder) Lane() Int { return Int{r, r.B.Lane()} }

// Gather reads a float from a buffer; out of range it is zero.
func (r *Recorder) Gather(buffer int, index Int) Float {
	return Float{same(r, index.R), r.B.Gather(buffer, index.V)}
}

// Store writes a float to a buffer at the end of the lane.
func (r *Recorder) Store(buffer int, index Int, x Float) {
	same(r, index.R)
	same(r, x.R).B.Store(buffer, index.V, x.V)
}

// ScatterAdd adds a float to an element of a buffer, in the order of the lanes.
func (r *Recorder) ScatterAdd(buffer int, index Int, x Float) {
	same(r, index.R)
	same(r, x.R).B.ScatterAdd(buffer, index.V, x.V)
}

// FloatOf wraps a float node of this recorder's builder: the way back from package grad.
func (r *Recorder) FloatOf(v ir.Value) Float { return Float{r, v} }

// Vec2 makes a constant vector.
func (r *Recorder) Vec2(x, y float64) Vec2 { return Vec2{r.Float(x), r.Float(y)} }

// Vec3 makes a constant vector.
func (r *Recorder) Vec3(x, y, z float64) Vec3 { return Vec3{r.Float(x), r.Float(y), r.Float(z)} }

// same panics when two values come from different recordings, which is a mistake of the calling code.
func same(a, b *Recorder) *Recorder {
	if a != b || a == nil {
		panic("trace: values of different recordings, or a zero value, in one expression")
	}
	return a
}
