// Package scene is the scene file: its types, a parser whose errors carry
// positions, a printer that round-trips, a JSON schema, and the fitted
// parameters by path as one flat vector. It must not know how a scene is
// rendered, differentiated or optimised: it holds float64 numbers and the
// rules for moving them. Start reading at types.go, whose struct tags are the
// one table that parser, printer, schema and paths are driven by (table.go),
// then path.go, uniforms.go and vector.go.
//
// # Frames
//
// An object's pose is world-from-object: x_world = R x_object + t. A camera's
// pose is camera-from-world: x_camera = R x_world + t, with OpenCV's axes (x
// right, y down, z forward). With a camera at the identity, an object's pose is
// therefore what OpenCV's solvePnP and calibrateCamera call rvec and tvec.
//
// # Units
//
// Lengths are in scene units, whatever they are; image positions in pixels,
// where pixel i covers [i, i+1); angles of rotations are radians (Rodrigues
// vectors), all other angles degrees. Irradiance is in units of pi W/m^2: a
// white diffuse surface facing a light of irradiance 1 has radiance 1.
package scene
