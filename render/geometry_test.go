package render

import (
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/trace"
)

// TestUndistort sends the rays of all pixels through OpenCV's formula and expects the pixels back.
func TestUndistort(t *testing.T) {
	const source = `microdr: 1
camera: {resolution: [64, 48], focal: [40, 42], principal: [33, 22], samples: 1, distortion: [-0.26637, -0.038589, 0.0017832, -0.00028122, 0.23839]}
background: 0
`
	got := record(t, source, 64*48, 3, Options{}, func(t *tracer) []trace.Float {
		return list(t.cameraRay(t.sample().at).direction)
	})
	k1, k2, p1, p2, k3 := -0.26637, -0.038589, 0.0017832, -0.00028122, 0.23839
	for pixel := range 64 * 48 {
		d := got[3*pixel:]
		x, y := d[0]/d[2], d[1]/d[2]
		r := x*x + y*y
		g := 1 + r*(k1+r*(k2+r*k3))
		u := 40*(x*g+2*p1*x*y+p2*(r+2*x*x)) + 33
		v := 42*(y*g+p1*(r+2*y*y)+2*p2*x*y) + 22
		if math.Abs(u-float64(pixel%64)-0.5) > 1e-3 || math.Abs(v-float64(pixel/64)-0.5) > 1e-3 {
			t.Fatalf("pixel %d is seen at %g, %g", pixel, u, v)
		}
	}
}

// TestRayDifferentials compares the differentials with neighbouring rays.
func TestRayDifferentials(t *testing.T) {
	for _, projection := range []string{"focal: [40, 42], distortion: [-0.2, 0.03, 0.002, -0.001, 0.01]", "projection: orthographic, height: 5"} {
		source := fmt.Sprintf("microdr: 1\ncamera: {resolution: [32, 24], samples: 1, look_at: {eye: [1, 2, 3], target: [0, 0.5, 0]}, %s}\nbackground: 0\n", projection)
		const h = 0.05
		got := record(t, source, 32*24, 12, Options{}, func(t *tracer) []trace.Float {
			at := t.sample().at
			s := t.Float(2)
			ray := t.cameraRay(at)
			dx, dy := ray.along(s)
			move := func(x, y float64) trace.Vec3 { return t.cameraRay(at.Add(t.Vec2(x, y))).at(s) }
			return list(dx, dy, move(h, 0).Sub(move(-h, 0)), move(0, h).Sub(move(0, -h)))
		})
		for lane := range 32 * 24 {
			v := got[12*lane:]
			for i := range 6 {
				if want := v[6+i] / (2 * h); math.Abs(v[i]-want) > 2e-4 {
					t.Fatalf("%s, lane %d: differential %d is %g, want %g", projection, lane, i, v[i], want)
				}
			}
		}
	}
}

// TestDistances checks every shape on points whose distance is known.
func TestDistances(t *testing.T) {
	const source = `microdr: 1
camera: {resolution: [1, 1], focal: [1, 1]}
objects:
  %s
`
	const grey = ", material: {diffuse: {albedo: 0.5}}}"
	for _, row := range []struct {
		object string
		points map[[3]float64]float64
	}{
		{"o: {sphere: {center: [1, 2, 3], radius: 2}" + grey, map[[3]float64]float64{{1, 2, 8}: 3, {1, 2, 3.5}: -1.5}},
		{"o: {sphere: {center: [1, 2, 3], radius: 2}, scale: 2" + grey, map[[3]float64]float64{{1, 2, 8}: 1, {1, 2, 4}: -3}},
		{"o: {box: {center: [1, 0, 0], size: [2, 4, 6]}" + grey, map[[3]float64]float64{{5, 6, 0}: 5, {1, 0, 4}: 1, {1, 1.5, 0}: -0.5}},
		{"o: {box: {center: [0, 0, 0], size: [2, 4, 6], radius: 0.5}" + grey, map[[3]float64]float64{{3.5, 5.5, 0}: 4.5, {0, 0, 4}: 1, {0.75, 0, 0}: -0.25}},
		{"o: {box: {center: [1, 0, 0], size: [2, 4, 6]}, rotation: [0, 0, 1.5707963], translation: [0, 0, 1]" + grey, map[[3]float64]float64{{1, 2, 1}: 1, {4, 0, 1}: 1, {1, 0, 5}: 1}},
		{"o: {torus: {center: [0, 1, 0], axis: [0, 2, 0], major: 3, minor: 1}" + grey, map[[3]float64]float64{{6, 5, 0}: 4, {0, 1, 3}: -1, {0, 1, 0.5}: 1.5}},
		{"o: {cylinder: {center: [0, 0, 1], axis: [0, 0, 1], radius: 1, height: 4}" + grey, map[[3]float64]float64{{4, 0, 7}: 5, {3, 0, 2}: 2, {0, 0.5, 1}: -0.5}},
		{"o: {capsule: {a: [0, 0, 0], b: [4, 0, 0], radius: 1}" + grey, map[[3]float64]float64{{7, 4, 0}: 4, {2, 3, 0}: 2, {0, 0, 0}: -1}},
		{"o: {plane: {point: [0, 1, 0], normal: [0, 3, 4]}" + grey, map[[3]float64]float64{{0, 1, 5}: 4, {0, 6, 0}: 3}},
		{"{a: {sphere: {center: [0, 0, 0], radius: 2}}, b: {sphere: {center: [3, 0, 0], radius: 2}}, o: {union: {of: [a, b]}" + grey + "}", map[[3]float64]float64{{7, 0, 0}: 2, {-4, 0, 0}: 2}},
		{"{a: {sphere: {center: [0, 0, 0], radius: 2}}, b: {sphere: {center: [3, 0, 0], radius: 2}}, o: {intersection: {of: [a, b]}" + grey + "}", map[[3]float64]float64{{0, 0, 0}: 1, {1.5, 0, 0}: -0.5}},
		{"{a: {sphere: {center: [0, 0, 0], radius: 2}}, b: {sphere: {center: [3, 0, 0], radius: 2}}, o: {difference: {of: [a, b]}" + grey + "}", map[[3]float64]float64{{1.5, 0, 0}: 0.5, {-1.5, 0, 0}: -0.5, {-4, 0, 0}: 2}},
		{"{a: {sphere: {center: [0, 0, 0], radius: 2}}, b: {sphere: {center: [4, 0, 0], radius: 2}}, o: {smooth_union: {of: [a, b], width: 0.8}" + grey + "}", map[[3]float64]float64{{2, 0, 0}: -0.2, {2, 1.5, 0}: 0.3, {-3, 0, 0}: 1}},
	} {
		text := fmt.Sprintf(source, row.object)
		if row.object[0] == '{' {
			text = fmt.Sprintf("microdr: 1\ncamera: {resolution: [1, 1], focal: [1, 1]}\nobjects: %s\n", row.object)
		}
		for p, want := range row.points {
			got := record(t, text, 1, 2, Options{}, func(t *tracer) []trace.Float {
				x := t.Vec3(p[0], p[1], p[2])
				s := t.solids[0]
				return []trace.Float{s.distance(t, x), s.faces(t, x).f}
			})
			if math.Abs(got[0]-want) > 1e-5 {
				t.Errorf("%s at %v: %g, want %g", row.object, p, got[0], want)
			}
			if want < 0 && math.Abs(got[1]-want) > 1e-5 {
				t.Errorf("%s at %v: face %g, want %g", row.object, p, got[1], want)
			}
		}
	}
}

// TestDistancesAreBounds checks that no shape's distance changes faster than the way, and that convex ones are convex.
func TestDistancesAreBounds(t *testing.T) {
	const source = `microdr: 1
camera: {resolution: [64, 64], focal: [40, 40], samples: 1}
objects:
  s: {sphere: {center: [0.2, 0, 3], radius: 0.7}}
  b: {box: {center: [0, 0, 3], size: [1, 1.5, 1]}, rotation: [0.4, 0.5, 0.1]}
  ball: {sphere: {center: [0.2, 0, 3], radius: 0.7}, material: {diffuse: {albedo: 0.5}}}
  crate: {box: {center: [0, 0, 3], size: [1, 1.5, 1]}, rotation: [0.4, 0.5, 0.1], material: {diffuse: {albedo: 0.5}}}
  round: {box: {center: [0, 0, 3], size: [1, 1.5, 1], radius: 0.2}, material: {diffuse: {albedo: 0.5}}}
  ring: {torus: {center: [0, 0, 3], axis: [0, 1, 1], major: 1, minor: 0.3}, material: {diffuse: {albedo: 0.5}}}
  can: {cylinder: {center: [0, 0, 3], axis: [1, 1, 0], radius: 0.4, height: 1}, material: {diffuse: {albedo: 0.5}}}
  pill: {capsule: {a: [-1, 0, 3], b: [0, 1, 3], radius: 0.3}, material: {diffuse: {albedo: 0.5}}}
  both: {intersection: {of: [s, b]}, material: {diffuse: {albedo: 0.5}}}
  blob: {smooth_union: {of: [s, b], width: 0.5}, scale: 1.3, material: {diffuse: {albedo: 0.5}}}
`
	var convex []bool
	const n = 8
	got := record(t, source, 64*64, 3*n, Options{}, func(t *tracer) []trace.Float {
		ray := t.cameraRay(t.sample().at)
		var out []trace.Float
		for _, s := range t.solids {
			convex = append(convex, s.convex())
			for k := range 3 {
				out = append(out, s.distance(t, ray.at(t.Float(2.2+0.4*float64(k)))))
			}
		}
		return out
	})
	for lane := range 64 * 64 {
		for i := range n {
			f := got[lane*3*n+3*i:]
			if math.Abs(f[1]-f[0]) > 0.4001 || math.Abs(f[2]-f[1]) > 0.4001 {
				t.Errorf("shape %d: distances %v at steps of 0.4", i, f[:3])
			}
			if convex[i] && f[1] > (f[0]+f[2])/2+1e-5 {
				t.Errorf("shape %d is not convex: %v", i, f[:3])
			}
		}
	}
}

// TestCheckerboard compares the analytic pattern with a plain mean over a Gaussian.
func TestCheckerboard(t *testing.T) {
	for _, sigma := range []float64{0.05, 0.2, 0.39, 0.41, 0.8} {
		got := record(t, oneBall, 200, 1, Options{}, func(t *tracer) []trace.Float {
			x := t.Lane().Float().Times(0.037).Minus(3)
			return []trace.Float{squareWave(x, t.Float(sigma), t.Float(1))}
		})
		for lane, g := range got {
			x, want, weight := float64(lane)*0.037-3, 0.0, 0.0
			for i := -2000; i <= 2000; i++ {
				z := float64(i) / 400
				w := math.Exp(-z * z / 2)
				weight += w
				if math.Mod(math.Floor(x+sigma*z)+100, 2) == 0 {
					want += w
				} else {
					want -= w
				}
			}
			if math.Abs(g-want/weight) > 3e-3 {
				t.Fatalf("sigma %g, x %g: %g, want %g", sigma, x, g, want/weight)
			}
		}
	}
}
