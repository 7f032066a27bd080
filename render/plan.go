package render

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/scene"
)

// plan is the structure of one view: all that is decided before recording. Numbers of the scene are uniforms.
type plan struct {
	Options
	scene      *scene.Scene
	camera     *scene.Camera
	lights     []scene.NamedLight
	solids     []*solid     // traced as distance fields
	rectangles []*rectangle // intersected analytically
	width      int
	height     int
	count      int // pixels to compute
	chunk      int // pixels of one run of a module
}

// The lanes of one run: enough of them for every core to have some, and no more than leave what the stages hand to each
// other, runBytes in all, in a cache.
const (
	leastLanes = 1 << 14
	mostLanes  = 1 << 16
	runBytes   = 8 << 20
)

// Lists of pixels that change are computed in runs of a share of all pixels, and not in much shorter ones than a run is
// worth its launch.
const (
	movableRuns  = 16
	leastMovable = 128
	leastCover   = 2048 // it is cheap
)

func newPlan(s *scene.Scene, view string, o Options) (*plan, error) {
	v := s.View(view)
	if v == nil {
		return nil, fmt.Errorf("render: no view %q", view)
	}
	p := &plan{Options: o, scene: s, camera: s.Camera(v.Camera), lights: s.LightsOf(v)}
	if p.camera == nil {
		return nil, fmt.Errorf("render: view %q: no camera %q", view, v.Camera)
	}
	if err := p.addObjects(); err != nil {
		return nil, err
	}
	p.complete(leastMovable)
	if p.width < 1 || p.height < 1 {
		return nil, fmt.Errorf("render: camera %q has no pixels at 1/%d of its resolution", p.camera.Name, p.Scale)
	}
	for _, i := range p.Pixels {
		if i < 0 || int(i) >= p.width*p.height {
			return nil, fmt.Errorf("render: pixel %d of an image of %dx%d", i, p.width, p.height)
		}
	}
	return p, nil
}

// complete fills in what the options leave open. A run of a list that changes has so many pixels at least.
func (p *plan) complete(least int) {
	p.Scale = max(p.Scale, 1)
	if p.Samples <= 0 {
		p.Samples = p.camera.Samples
	}
	if p.Seed == 0 {
		p.Seed = uint32(p.scene.Integrator.Seed)
	}
	if p.Band <= 0 {
		p.Band = p.scene.Integrator.Band
	}
	p.width = (p.camera.Resolution[0] + p.Scale - 1) / p.Scale
	p.height = (p.camera.Resolution[1] + p.Scale - 1) / p.Scale
	p.count = p.width * p.height
	if p.Pixels != nil && !p.Movable {
		p.count = len(p.Pixels)
	}
	lanes := runBytes / (4 * (p.fields(true) + 3 + 3*len(p.columns())))
	most := max(1, min(max(lanes, leastLanes), mostLanes)/p.Samples)
	if p.Movable {
		most = min(most, max(p.count/movableRuns, least)) // little of the last run should be padding
	}
	p.chunk = chunkOf(p.count, most)
}

// listed tells whether the module reads the numbers of its pixels.
func (p *plan) listed() bool { return p.Movable || p.Pixels != nil }

// chunkOf divides count pixels into runs of equal size, at most so many pixels each, so that the last one has next to no
// padding. Where that adds little, a run is whole cache lines of float32: then so are the rows of the buffers.
func chunkOf(count, most int) int {
	const line = 16
	runs := max(1, (count+most-1)/most)
	chunk := max(1, (count+runs-1)/runs)
	if chunk < line*line {
		return chunk
	}
	return (chunk + line - 1) / line * line
}

// addObjects makes shapes of the scene's roots.
func (p *plan) addObjects() error {
	for _, i := range p.scene.Roots() {
		o := &p.scene.Objects[i]
		if o.Rectangle != nil {
			p.rectangles = append(p.rectangles, &rectangle{object: o, finish: p.finishOf(o)})
			continue
		}
		s, err := p.newSolid(o, 0)
		if err != nil {
			return err
		}
		s.finish = p.finishOf(o)
		p.solids = append(p.solids, s)
	}
	return nil
}

// lanes is the number of lanes of one run.
func (p *plan) lanes() int { return p.chunk * p.Samples }

// kinked tells whether some solid is an intersection or difference, whose distance has kinks that rays can graze.
func (p *plan) kinked() bool {
	for _, s := range p.solids {
		if s.kinked() {
			return true
		}
	}
	return false
}
