package fit

import (
	"context"

	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// viewOptions say how a view is opened.
type viewOptions struct {
	scale   int      // the image is resolution/scale
	samples int      // per pixel; 0: the camera's
	seed    uint32   // of the sample positions
	pixels  []int32  // row-major numbers of the pixels to compute; nil: all
	params  []string // uniforms whose derivatives are wanted
	maps    []string // per-pixel buffers whose derivatives are wanted
	movable bool     // SetPixels and Choose will be called
	alone   bool     // it runs on the calling goroutine only, since other views run beside it
}

// openView is one view of a scene at one scale, ready to run: the values of
// the scene may change, its structure may not. Images are interleaved RGB of
// the pixels asked for, before the view's gain and bias. It is the whole of
// what a fit needs of the renderer, so that tests can stand in for it.
//
// Results go into the memory given if that has room, so that an iteration that
// gives what the one before it got allocates nothing.
type openView interface {
	Size() (width, height int)
	// Prepare compiles what a mode runs, which its first call would do.
	// Different modes may be prepared at the same time.
	Prepare(mode render.Mode) error
	RenderInto(ctx context.Context, s *scene.Scene, image []float32) ([]float32, error)
	// JacobianInto returns the image and one column for every uniform of params
	// (then for every component of the maps: the derivative of a pixel by its
	// own component), laid out as the image. The next call changes the columns.
	JacobianInto(ctx context.Context, s *scene.Scene, memory []float32) (image []float32, columns [][]float32, err error)
	// GradientInto returns the image and, for every uniform of params, the sum of
	// adjoint times derivative.
	GradientInto(ctx context.Context, s *scene.Scene, adjoint, imageMemory []float32, memory []float64) (image []float32, gradient []float64, err error)
	// SetPixels asks for other pixels; nil: all.
	SetPixels(pixels []int32)
	// Choose leaves images and columns undefined but for some of the pixels
	// asked for, by their numbers among these; nil: all.
	Choose(pixels []int32)
	// SetSeed changes the sample positions.
	SetSeed(seed uint32)
	// SetBuffer gives a per-pixel buffer its values, all pixels' in order.
	SetBuffer(name string, data []float32) error
	// MaskInto says of every pixel asked for whether its centre ray hits the
	// object.
	MaskInto(ctx context.Context, s *scene.Scene, object string, hit []bool) ([]bool, error)
	Close()
}

// opener opens views of scenes.
type opener func(s *scene.Scene, view string, o viewOptions) (openView, error)
