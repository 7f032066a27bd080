package scene

// The struct tags below are the description of the file format. Their keys:
//
//	key      the name in the file ("-": not in the file)
//	doc      one line for the schema
//	unit     px, deg, rad, scene (length) or nothing
//	range    interval each number must lie in, such as "(0,inf)" or "[0,1]"
//	default  value where the key is absent, as YAML
//	one      name of a group of which at most one field may be present
//	enum     permitted strings, separated by |
//	ref      what a string must name: camera, object, material, light
//	min      least length of a list
//	opt      comma list of
//	           required  the key must be present (for a group: one of them)
//	           inline    the key does not appear in parameter paths
//	           short     the value stands in place of the mapping
//	           map       a slice written as a mapping from names
//	           empty     an empty list differs from an absent one
//	           derived   reaches the renderer through camera uniforms
//	           config    a setting, not a number that can be fitted

// Version is the format version that this package reads and writes.
const Version = 1

// Scene is one parsed scene file.
type Scene struct {
	// Dir is the folder that relative file names start from. Load sets it.
	Dir string `key:"-"`

	Version    int        `key:"microdr" opt:"required" range:"[1,1]" doc:"version of the format"`
	Cameras    []Camera   `key:"cameras" single:"camera" opt:"map,required" min:"1" doc:"cameras by name; 'camera' for a single one of that name"`
	Objects    []Object   `key:"objects" opt:"map" doc:"objects by name"`
	Materials  []Material `key:"materials" opt:"map" doc:"materials by name"`
	Lights     []Light    `key:"lights" opt:"map" doc:"lights by name"`
	Background Color      `key:"background" default:"0" range:"[0,inf)" doc:"radiance where a ray meets nothing"`
	Integrator Integrator `key:"integrator" opt:"config" doc:"how rays are traced"`
	Views      []View     `key:"views" doc:"what is compared with what; default: every camera once"`
	Fit        *Fit       `key:"fit" opt:"config" doc:"which parameters are fitted, and how"`
}

// Integrator says how rays are traced.
type Integrator struct {
	Band  float64 `key:"band" default:"1" range:"(0,64]" unit:"px" doc:"width of the band in which a boundary's derivative is gathered"`
	Steps int     `key:"steps" default:"512" range:"[1,10000]" doc:"most steps of a sphere trace; reaching it is a miss"`
	Far   float64 `key:"far" default:"1e4" range:"(0,inf)" unit:"scene" doc:"distance beyond which nothing is hit"`
	Seed  int     `key:"seed" default:"1" range:"[0,4294967295]" doc:"seed of the sample positions"`
}

// Vec2 is a point or size in a plane.
type Vec2 [2]float64

// Vec3 is a point, size or offset in space.
type Vec3 [3]float64

// Direction is a direction in space. It need not have unit length: users
// normalise it. It is never zero.
type Direction [3]float64

// Color is a linear RGB triple. In a file one number stands for three equal ones.
type Color [3]float64

// Rotation is a Rodrigues vector: axis times angle in radians.
type Rotation [3]float64

// Distortion is Brown-Conrady's k1, k2, p1, p2, k3, in OpenCV's order.
type Distortion [5]float64

// Rect is x0, y0, x1, y1.
type Rect [4]float64

// Pose is a rotation and a translation: x' = R x + t.
type Pose struct {
	Rotation    Rotation `key:"rotation" default:"[0, 0, 0]" unit:"rad" doc:"Rodrigues vector"`
	Translation Vec3     `key:"translation" default:"[0, 0, 0]" unit:"scene" doc:"added after the rotation"`
}

// Components names the components of v in paths.
func (Vec2) Components() []string { return []string{"x", "y"} }

// Components names the components of v in paths.
func (Vec3) Components() []string { return []string{"x", "y", "z"} }

// Components names the components of d in paths.
func (Direction) Components() []string { return []string{"x", "y", "z"} }

// Components names the components of c in paths.
func (Color) Components() []string { return []string{"r", "g", "b"} }

// Components names the components of r in paths.
func (Rotation) Components() []string { return []string{"x", "y", "z"} }

// Components names the components of d in paths.
func (Distortion) Components() []string { return []string{"k1", "k2", "p1", "p2", "k3"} }

// Components names the components of r in paths.
func (Rect) Components() []string { return []string{"x0", "y0", "x1", "y1"} }
