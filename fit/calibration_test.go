package fit_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// calibrated is OpenCV's published calibration of one photo.
type calibrated struct {
	name       string
	pose       [6]float64 // Rodrigues vector, translation in mm
	rms        float64    // of the corners' reprojection errors, pixels
	focal      float64
	principal  [2]float64
	distortion [5]float64
}

// readCalibration reads left_intrinsics.yml.
func readCalibration(path string) ([]calibrated, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	numbers := func(key string) (out []float64) {
		_, after, _ := strings.Cut(string(data), key+":")
		_, after, _ = strings.Cut(after, "data: [")
		list, _, _ := strings.Cut(after, "]")
		for _, f := range strings.Split(list, ",") {
			x, _ := strconv.ParseFloat(strings.TrimSpace(f), 64)
			out = append(out, x)
		}
		return out
	}
	k, poses, rms := numbers("camera_matrix"), numbers("extrinsic_parameters"), numbers("per_view_reprojection_errors")
	names := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14}
	if len(poses) != 6*len(names) || len(rms) != len(names) {
		return nil, fmt.Errorf("%s holds %d poses, expected %d", path, len(poses)/6, len(names))
	}
	var out []calibrated
	for i, n := range names {
		c := calibrated{name: fmt.Sprintf("left%02d", n), rms: rms[i], focal: k[0], principal: [2]float64{k[2], k[5]},
			distortion: [5]float64(numbers("distortion_coefficients")), pose: [6]float64(poses[6*i : 6*i+6])}
		for j := 3; j < 6; j++ {
			c.pose[j] *= 1000
		}
		out = append(out, c)
	}
	return out, nil
}

// project maps a point of the board (mm) to the photo, by OpenCV's model.
func (c *calibrated) project(pose [6]float64, p scene.Vec3) [2]float64 {
	q := scene.Rotation(pose[:3]).Matrix().Apply(p)
	x, y := (q[0]+pose[3])/(q[2]+pose[5]), (q[1]+pose[4])/(q[2]+pose[5])
	k := c.distortion
	r := x*x + y*y
	g := 1 + r*(k[0]+r*(k[1]+r*k[4]))
	return [2]float64{c.focal*(x*g+2*k[2]*x*y+k[3]*(r+2*x*x)) + c.principal[0],
		c.focal*(y*g+k[2]*(r+2*y*y)+2*k[3]*x*y) + c.principal[1]}
}

// standardErrors is how certain the published pose is, by its corners: the
// covariance is s^2 (JtJ)^-1 with J of the 54 corners' 108 coordinates, the
// camera fixed; rms is that of the corners' distances.
func (c *calibrated) standardErrors() (out [6]float64) {
	normal := optim.NewNormal(6)
	for i := range 54 {
		corner := scene.Vec3{25 * float64(i%9), 25 * float64(i/9), 0}
		var rows [2][6]float64
		for j := range 6 {
			h := 1e-6
			if j >= 3 {
				h = 1e-3
			}
			high, low := c.pose, c.pose
			high[j] += h
			low[j] -= h
			a, b := c.project(high, corner), c.project(low, corner)
			rows[0][j], rows[1][j] = (a[0]-b[0])/(2*h), (a[1]-b[1])/(2*h)
		}
		normal.AddRow(rows[0][:], 0, 1)
		normal.AddRow(rows[1][:], 0, 1)
	}
	normal.Symmetrize()
	variance := c.rms * c.rms * 54 / (108 - 6)
	covariance := optim.Covariance(optim.NewSubspace(normal.JtJ, 6, 1e-12), variance)
	for j := range out {
		out[j] = math.Sqrt(covariance[7*j])
	}
	return out
}
