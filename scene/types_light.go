package scene

// How a light's shadows are computed.
const (
	ShadowsNone = "none"
	ShadowsHard = "hard"
	ShadowsSoft = "soft"
)

// Encodings of image files.
const (
	SRGB   = "srgb"
	Linear = "linear"
)

// Light is one light: exactly one of the kinds is set.
type Light struct {
	Name        string       `key:"-"`
	Directional *Directional `key:"directional" one:"light" opt:"inline,required" doc:"light from far away"`
	Point       *Point       `key:"point" one:"light" opt:"inline" doc:"light from a point, or from a ball around it"`
	Ambient     *Ambient     `key:"ambient" one:"light" opt:"inline" doc:"the same light from everywhere, never shadowed"`
	Shadows     string       `key:"shadows" enum:"none|hard|soft" default:"none" doc:"kind of shadows; soft needs an angle or a radius"`
}

// Directional is light from far away.
type Directional struct {
	Direction  Direction `key:"direction" opt:"required" doc:"towards the light"`
	Irradiance Color     `key:"irradiance" default:"1" range:"[0,inf)" unit:"pi W/m^2" doc:"on a surface that faces the light"`
	Angle      float64   `key:"angle" default:"0" range:"[0,180)" unit:"deg" doc:"angular diameter, for soft shadows"`
}

// Point is a point light: irradiance = intensity / distance^2 when facing it.
type Point struct {
	Position  Vec3    `key:"position" opt:"required" unit:"scene" doc:"position"`
	Intensity Color   `key:"intensity" default:"1" range:"[0,inf)" unit:"pi W/sr" doc:"irradiance at distance 1"`
	Radius    float64 `key:"radius" default:"0" range:"[0,inf)" unit:"scene" doc:"radius of the ball that shines, for soft shadows"`
}

// Ambient is the same light from everywhere: radiance = albedo * irradiance.
type Ambient struct {
	Irradiance Color `key:"irradiance" opt:"required" range:"[0,inf)" unit:"pi W/m^2" doc:"on any surface"`
}

// LightRef is a light's name, or a light in place.
type LightRef struct {
	Name        string       `key:"-" opt:"short" ref:"light" doc:"name of a light"`
	Directional *Directional `key:"directional" one:"light" opt:"inline,required" doc:"light from far away"`
	Point       *Point       `key:"point" one:"light" opt:"inline" doc:"light from a point, or from a ball around it"`
	Ambient     *Ambient     `key:"ambient" one:"light" opt:"inline" doc:"the same light from everywhere, never shadowed"`
	Shadows     string       `key:"shadows" enum:"none|hard|soft" default:"none" doc:"kind of shadows; soft needs an angle or a radius"`
}

// View is an image and what it is compared with: the radiance that Camera sees
// under Lights, times Gain plus Bias. Without Image the target is rendered
// from the parameters' truth.
type View struct {
	Name     string     `key:"name" doc:"root of the view's paths; default: view0, view1, .."`
	Camera   string     `key:"camera" ref:"camera" doc:"name of the camera; default: the first"`
	Image    string     `key:"image" doc:"image file, relative to the scene; default: rendered from the truth"`
	Encoding string     `key:"encoding" enum:"srgb|linear" default:"srgb" doc:"meaning of the image's values"`
	Mask     *Mask      `key:"mask" opt:"config" doc:"pixels that count; default: all"`
	Valid    *Vec2      `key:"valid" opt:"config" doc:"least and greatest target value (linear) that counts"`
	Emphasis float64    `key:"emphasis" default:"0" range:"[0,8]" opt:"config" doc:"residuals count by the target's value to this power; 2 is the intensity weighting of photometric stereo"`
	Gain     float64    `key:"gain" default:"1" range:"(0,inf)" doc:"factor on the rendered radiance"`
	Bias     float64    `key:"bias" default:"0" doc:"added to the rendered radiance"`
	Lights   []LightRef `key:"lights" opt:"empty" doc:"names of lights or lights in place, instead of the scene's; default: all of the scene's"`
}

// Mask selects pixels: exactly one of File, Polygon, Rectangle, Object is set.
type Mask struct {
	File      string  `key:"file" one:"mask" opt:"short,required" doc:"image file; pixels of at least half the greatest value count"`
	Polygon   []Vec2  `key:"polygon" one:"mask" min:"3" unit:"px" doc:"pixels whose centre is inside"`
	Rectangle *Rect   `key:"rectangle" one:"mask" unit:"px" doc:"x0, y0, x1, y1: pixels whose centre is inside"`
	Object    string  `key:"object" one:"mask" ref:"object" doc:"pixels whose centre ray hits this object as it is when the fit (or a level of it) begins"`
	Margin    float64 `key:"margin" default:"0" unit:"px" doc:"the mask is shrunk by this; grown where negative"`
}
