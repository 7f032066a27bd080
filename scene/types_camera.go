package scene

// Projections of a camera.
const (
	Perspective  = "perspective"
	Orthographic = "orthographic"
)

// Conventions for the principal point.
const (
	PixelEdge   = "edge"   // pixel i covers [i, i+1)
	PixelCentre = "centre" // pixel i covers [i-0.5, i+0.5), as in OpenCV
)

// Camera is a pinhole or orthographic camera with lens distortion. Without
// look_at, pose or orbit it stands at the origin and looks along +z, y down.
type Camera struct {
	Name        string      `key:"-"`
	Resolution  [2]int      `key:"resolution" opt:"required" range:"[1,16384]" unit:"px" doc:"width, height"`
	LookAt      *LookAt     `key:"look_at" one:"extrinsics" opt:"derived" doc:"eye, target and up"`
	Pose        *Pose       `key:"pose" one:"extrinsics" opt:"derived" doc:"camera-from-world, OpenCV axes (x right, y down, z forward)"`
	Orbit       *Orbit      `key:"orbit" one:"extrinsics" opt:"derived" doc:"another camera, rotated about a point of the world"`
	Projection  string      `key:"projection" enum:"perspective|orthographic" default:"perspective" doc:"kind of projection; orthographic takes height, perspective fov or focal"`
	FOV         *float64    `key:"fov" one:"lens" opt:"derived,required" range:"(0,180)" unit:"deg" doc:"vertical field of view"`
	Focal       *Vec2       `key:"focal" one:"lens" opt:"derived" range:"(0,inf)" unit:"px" doc:"focal lengths fx, fy"`
	Height      *float64    `key:"height" one:"lens" opt:"derived" range:"(0,inf)" unit:"scene" doc:"height of the image of an orthographic camera"`
	Principal   Vec2        `key:"principal" opt:"derived" unit:"px" doc:"principal point; default: the middle of the image"`
	PixelOrigin string      `key:"pixel_origin" enum:"edge|centre" default:"edge" doc:"what 0 means in 'principal': the edge of the first pixel, or its centre (OpenCV)"`
	Distortion  *Distortion `key:"distortion" min:"4" default:"[0, 0, 0, 0, 0]" doc:"Brown-Conrady k1, k2, p1, p2[, k3], OpenCV's order"`
	Samples     int         `key:"samples" default:"16" range:"[1,65536]" doc:"samples per pixel"`
	Filter      Filter      `key:"filter" opt:"config" doc:"pixel filter; default: a box of one pixel"`
	Blur        float64     `key:"blur" default:"0" range:"[0,inf)" unit:"px" doc:"further standard deviation of the analytic antialiasing footprint"`
}

// LookAt stands a camera at eye, turned towards target.
type LookAt struct {
	Eye    Vec3      `key:"eye" opt:"required" unit:"scene" doc:"position of the camera"`
	Target Vec3      `key:"target" opt:"required" unit:"scene" doc:"point in the middle of the image (at the principal point)"`
	Up     Direction `key:"up" default:"[0, 1, 0]" doc:"direction that is up in the image"`
}

// Orbit is camera Of carried around the line through Around along Axis by
// Angle degrees, counter-clockwise seen from the tip of the axis.
type Orbit struct {
	Of     string    `key:"of" opt:"required" ref:"camera" doc:"name of the camera that is carried"`
	Around Vec3      `key:"around" default:"[0, 0, 0]" unit:"scene" doc:"point on the axis"`
	Axis   Direction `key:"axis" default:"[0, 1, 0]" doc:"direction of the axis"`
	Angle  float64   `key:"angle" opt:"required" unit:"deg" doc:"angle of the rotation"`
}

// Filter is a pixel filter: exactly one field is set.
type Filter struct {
	Box      *float64 `key:"box" one:"filter" opt:"required" range:"(0,16]" unit:"px" doc:"full width of a box"`
	Tent     *float64 `key:"tent" one:"filter" range:"(0,16]" unit:"px" doc:"full width of a tent"`
	Gaussian *float64 `key:"gaussian" one:"filter" range:"(0,16]" unit:"px" doc:"standard deviation of a Gaussian"`
}

// complete fills in what is absent and depends on other fields.
func (c *Camera) complete(has func(key string) bool) {
	if !has("principal") {
		off := c.principalOffset()
		c.Principal = Vec2{float64(c.Resolution[0])/2 - off, float64(c.Resolution[1])/2 - off}
	}
	if !has("filter") {
		c.Filter = Filter{Box: new(1.0)}
	}
}
