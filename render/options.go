package render

// Options say how a view is rendered.
type Options struct {
	Scale   int     // the image is resolution/Scale, rounded up; 0: 1
	Samples int     // samples per pixel; 0: the camera's
	Seed    uint32  // of the sample positions: the same seed gives the same samples; 0: the integrator's
	Pixels  []int32 // row-major numbers, at this scale, of the pixels to compute; nil: all
	Movable bool    // the pixels are listed, and View.SetPixels and Choose change the list
	Band    float64 // width in pixels of the band that edges gather their derivative in; 0: the integrator's

	Params   []string // uniforms (scene.Uniforms) whose derivatives are wanted
	PerPixel []string // per-pixel buffers (scene.Buffers) whose derivatives are wanted
}
