package scene

// Object is a shape with a material. Its points go to the world by
//
//	x_world = c + translation + scale * R(rotation) (x - c)
//
// with c = Center(), or, where pose is given, by x_world = R x + t.
// An object that another one names in `of` is an operand: it is not drawn by
// itself and takes the material of the object it is part of; the other's
// transform is applied after its own.
type Object struct {
	Name         string       `key:"-"`
	Sphere       *Sphere      `key:"sphere" one:"shape" opt:"inline,required" doc:"a ball's surface"`
	Box          *Box         `key:"box" one:"shape" opt:"inline" doc:"a box, its edges rounded if radius > 0"`
	Torus        *Torus       `key:"torus" one:"shape" opt:"inline" doc:"a ring"`
	Cylinder     *Cylinder    `key:"cylinder" one:"shape" opt:"inline" doc:"a capped cylinder"`
	Capsule      *Capsule     `key:"capsule" one:"shape" opt:"inline" doc:"all points within radius of a segment"`
	Plane        *Plane       `key:"plane" one:"shape" opt:"inline" doc:"a half-space's boundary"`
	Rectangle    *Rectangle   `key:"rectangle" one:"shape" opt:"inline" doc:"a flat rectangle in its own z = 0 plane, seen from both sides"`
	Union        *Combination `key:"union" one:"shape" opt:"inline" doc:"all points in any operand"`
	Intersection *Combination `key:"intersection" one:"shape" opt:"inline" doc:"all points in every operand"`
	Difference   *Combination `key:"difference" one:"shape" opt:"inline" doc:"the first operand without the others"`
	SmoothUnion  *SmoothUnion `key:"smooth_union" one:"shape" opt:"inline" doc:"a union with its creases filled"`
	Pose         *Pose        `key:"pose" doc:"world-from-object; excludes translation, rotation and scale"`
	Translation  *Vec3        `key:"translation" default:"[0, 0, 0]" unit:"scene" doc:"shift"`
	Rotation     *Rotation    `key:"rotation" default:"[0, 0, 0]" unit:"rad" doc:"Rodrigues vector, about the shape's centre"`
	Scale        *float64     `key:"scale" default:"1" range:"(0,inf)" doc:"uniform scale about the shape's centre"`
	Material     *MaterialRef `key:"material" doc:"name of a material, or one in place"`
}

// Sphere has no orientation.
type Sphere struct {
	Center Vec3    `key:"center" default:"[0, 0, 0]" unit:"scene" doc:"centre"`
	Radius float64 `key:"radius" opt:"required" range:"(0,inf)" unit:"scene" doc:"radius"`
}

// Box has its edges along the axes until it is rotated.
type Box struct {
	Center Vec3    `key:"center" default:"[0, 0, 0]" unit:"scene" doc:"centre"`
	Size   Vec3    `key:"size" opt:"required" range:"(0,inf)" unit:"scene" doc:"full lengths of the edges, rounding included"`
	Radius float64 `key:"radius" default:"0" range:"[0,inf)" unit:"scene" doc:"radius of the rounded edges"`
}

// Torus lies in the plane through Center across Axis.
type Torus struct {
	Center Vec3      `key:"center" default:"[0, 0, 0]" unit:"scene" doc:"centre"`
	Axis   Direction `key:"axis" default:"[0, 1, 0]" doc:"axis of symmetry"`
	Major  float64   `key:"major" opt:"required" range:"(0,inf)" unit:"scene" doc:"radius of the circle in the middle of the tube"`
	Minor  float64   `key:"minor" opt:"required" range:"(0,inf)" unit:"scene" doc:"radius of the tube"`
}

// Cylinder is capped at Height/2 on both sides of Center.
type Cylinder struct {
	Center Vec3      `key:"center" default:"[0, 0, 0]" unit:"scene" doc:"centre"`
	Axis   Direction `key:"axis" default:"[0, 1, 0]" doc:"axis of symmetry"`
	Radius float64   `key:"radius" opt:"required" range:"(0,inf)" unit:"scene" doc:"radius"`
	Height float64   `key:"height" opt:"required" range:"(0,inf)" unit:"scene" doc:"full height"`
}

// Capsule is the set of points within Radius of the segment from A to B.
type Capsule struct {
	A      Vec3    `key:"a" opt:"required" unit:"scene" doc:"one end of the segment"`
	B      Vec3    `key:"b" opt:"required" unit:"scene" doc:"other end of the segment"`
	Radius float64 `key:"radius" opt:"required" range:"(0,inf)" unit:"scene" doc:"radius"`
}

// Plane bounds the half-space that Normal points out of.
type Plane struct {
	Point  Vec3      `key:"point" default:"[0, 0, 0]" unit:"scene" doc:"a point of the plane"`
	Normal Direction `key:"normal" default:"[0, 1, 0]" doc:"outward normal"`
}

// Rectangle covers [origin, origin + size] in its own z = 0 plane.
type Rectangle struct {
	Size   Vec2 `key:"size" opt:"required" range:"(0,inf)" unit:"scene" doc:"width, height"`
	Origin Vec2 `key:"origin" default:"[0, 0]" unit:"scene" doc:"corner with the least x and y, in the object's own coordinates"`
}

// Combination is a set operation on other objects.
type Combination struct {
	Of []string `key:"of" opt:"required" min:"1" ref:"object" doc:"names of the operands"`
}

// SmoothUnion is a polynomial smooth minimum of the operands' distances.
type SmoothUnion struct {
	Of    []string `key:"of" opt:"required" min:"1" ref:"object" doc:"names of the operands"`
	Width float64  `key:"width" opt:"required" range:"(0,inf)" unit:"scene" doc:"difference of distances up to which the operands blend"`
}

// Operands returns the names of the objects that o is made of.
func (o *Object) Operands() []string {
	for _, c := range []*Combination{o.Union, o.Intersection, o.Difference} {
		if c != nil {
			return c.Of
		}
	}
	if o.SmoothUnion != nil {
		return o.SmoothUnion.Of
	}
	return nil
}

// Center is the point that rotation and scale leave in place: the shape's own
// centre; a plane's point; the origin for rectangles and combinations.
func (o *Object) Center() Vec3 {
	switch {
	case o.Sphere != nil:
		return o.Sphere.Center
	case o.Box != nil:
		return o.Box.Center
	case o.Torus != nil:
		return o.Torus.Center
	case o.Cylinder != nil:
		return o.Cylinder.Center
	case o.Capsule != nil:
		a, b := o.Capsule.A, o.Capsule.B
		return Vec3{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2}
	case o.Plane != nil:
		return o.Plane.Point
	}
	return Vec3{}
}

// MaterialRef is a material's name, or a material in place.
type MaterialRef struct {
	Name    string   `key:"-" opt:"short" ref:"material" doc:"name of a material"`
	Diffuse *Diffuse `key:"diffuse" one:"material" opt:"inline,required" doc:"Lambert's law"`
}

// Material says how a surface reflects.
type Material struct {
	Name    string   `key:"-"`
	Diffuse *Diffuse `key:"diffuse" one:"material" opt:"inline,required" doc:"Lambert's law"`
}

// Diffuse reflects by Lambert's law: radiance = albedo * irradiance.
type Diffuse struct {
	Albedo Texture    `key:"albedo" opt:"required" doc:"share of the light that is reflected, per channel"`
	Normal *NormalMap `key:"normal" doc:"normals that replace the shape's own in shading, in the object's own coordinates"`
}

// Texture is a colour over a surface: exactly one field is set.
type Texture struct {
	Constant     *Color        `key:"-" one:"texture" opt:"short,inline,required" range:"[0,inf)" doc:"the same everywhere"`
	Checkerboard *Checkerboard `key:"checkerboard" one:"texture" opt:"inline" doc:"squares of two colours"`
	Image        *ImageTexture `key:"image" one:"texture" opt:"inline" doc:"an image over the rectangle"`
	PerPixel     *AlbedoMap    `key:"per_pixel" one:"texture" opt:"inline" doc:"one value for every pixel of the camera"`
}

// Checkerboard covers Extent (in the object's own x, y) with squares; Margin
// is around them. The square that begins at Origin has the first colour.
type Checkerboard struct {
	Square float64  `key:"square" opt:"required" range:"(0,inf)" unit:"scene" doc:"edge of a square"`
	Origin Vec2     `key:"origin" default:"[0, 0]" unit:"scene" doc:"a corner of squares; the one towards +x, +y from it has the first colour"`
	Extent *Rect    `key:"extent" unit:"scene" doc:"x0, y0, x1, y1 that the squares fill; default: everywhere"`
	Colors [2]Color `key:"colors" default:"[0, 1]" range:"[0,inf)" doc:"the two colours"`
	Margin Color    `key:"margin" default:"1" range:"[0,inf)" doc:"colour outside of extent"`
}

// ImageTexture is laid over a rectangle, its first row at the greatest y.
type ImageTexture struct {
	File     string `key:"file" opt:"required" doc:"image file, relative to the scene"`
	Encoding string `key:"encoding" enum:"srgb|linear" default:"srgb" doc:"meaning of the file's values"`
}

// AlbedoMap has a value for every pixel of the camera.
type AlbedoMap struct {
	Start    Color  `key:"start" default:"0.5" range:"[0,inf)" opt:"config" doc:"value that all pixels start with"`
	Channels int    `key:"channels" default:"3" range:"[1,3]" doc:"1 (grey) or 3"`
	File     string `key:"file" doc:"image to start with instead"`
	Encoding string `key:"encoding" enum:"srgb|linear" default:"linear" doc:"meaning of the file's values"`
}

// NormalMap holds normals in the object's own coordinates.
type NormalMap struct {
	PerPixel *NormalPixels `key:"per_pixel" one:"normal" opt:"inline,required" doc:"one normal for every pixel of the camera"`
}

// NormalPixels has a unit normal for every pixel of the camera.
type NormalPixels struct {
	Start Direction `key:"start" default:"[0, 0, 1]" opt:"config" doc:"normal that all pixels start with"`
	File  string    `key:"file" doc:"image or PFM to start with instead; 8- and 16-bit values v mean 2v - 1"`
}
