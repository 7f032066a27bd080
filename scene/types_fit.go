package scene

// Fit says which parameters are fitted, and how.
type Fit struct {
	Parameters []Parameter `key:"parameters" opt:"required" min:"1" doc:"what is fitted"`
	Loss       Loss        `key:"loss" doc:"what is minimised; default: l2"`
	Optimizer  Optimizer   `key:"optimizer" doc:"how; default: lm"`
	Pyramid    []int       `key:"pyramid" default:"[1]" min:"1" range:"[1,64]" doc:"factors by which the images are reduced, coarse to fine"`
	Starts     *Starts     `key:"starts" doc:"hypotheses to start from; default: the parameters' start alone"`
	Synthetic  *Synthetic  `key:"synthetic" doc:"how targets are rendered from the truth where a view has no image"`
	Cluster    int         `key:"cluster" default:"32" range:"[1,4096]" unit:"px" doc:"edge of the squares within which residuals may be correlated (standard errors)"`
}

// Parameter is a field of the scene that is fitted. Lists of numbers are in
// the order of the field's components; a pose is rotation x, y, z (radians),
// then translation x, y, z.
type Parameter struct {
	Path       string      `key:"path" opt:"required" doc:"such as ball.center, board.pose, camera.fov, ball.center.x"`
	Start      []float64   `key:"start" doc:"value to start from; default: the scene's"`
	Truth      []float64   `key:"truth" doc:"true value, for comparison and synthetic targets; default: the scene's"`
	Constraint *Constraint `key:"constraint" doc:"how the value may move; default: by the field's own range"`
	About      *Vec3       `key:"about" unit:"scene" doc:"for a pose: point of the object (for a camera: of the world) that its rotation leaves in place; default: the origin"`
	Range      []float64   `key:"range" range:"[0,inf)" doc:"half-width of random starts: one number or one per component; degrees for rotations and directions; [degrees, distance] for a pose"`
	Rate       float64     `key:"rate" default:"1" range:"(0,inf)" doc:"factor on Adam's rate"`
}

// Constraint says how a value may move: exactly one field is set.
type Constraint struct {
	Kind   string `key:"-" one:"constraint" opt:"short,required" enum:"free|positive|unit|unit_vector|rotation" doc:"a kind without parameters"`
	Bounds *Vec2  `key:"bounds" one:"constraint" doc:"least and greatest value, never reached"`
}

// Loss is what is minimised: exactly one field is set.
type Loss struct {
	L2         *L2         `key:"l2" one:"loss" opt:"required" doc:"half the sum of squares"`
	L1         *L1         `key:"l1" one:"loss" doc:"sum of absolute values, smoothed at 0"`
	Huber      *Huber      `key:"huber" one:"loss" doc:"squares near 0, absolute values beyond width"`
	RelativeL2 *RelativeL2 `key:"relative_l2" one:"loss" doc:"squares relative to the target's value"`
}

// L2 is r^2 / 2.
type L2 struct{}

// L1 is sqrt(r^2 + epsilon^2) - epsilon.
type L1 struct {
	Epsilon float64 `key:"epsilon" default:"0.001" range:"(0,inf)" doc:"where it turns from square to absolute"`
}

// Huber is r^2 / 2 up to width, then width (|r| - width / 2).
type Huber struct {
	Width float64 `key:"width" opt:"required" range:"(0,inf)" doc:"residual beyond which it grows linearly"`
}

// RelativeL2 is r^2 / 2 / (target's value^2 + epsilon).
type RelativeL2 struct {
	Epsilon float64 `key:"epsilon" default:"0.01" range:"(0,inf)" doc:"keeps dark pixels from dominating"`
}

// Optimizer is how it is minimised: exactly one field is set.
type Optimizer struct {
	LM   *LM   `key:"lm" one:"optimizer" opt:"required" doc:"Levenberg-Marquardt"`
	Adam *Adam `key:"adam" one:"optimizer" doc:"Adam"`
}

// LM is Levenberg and Marquardt's damped Gauss-Newton method.
type LM struct {
	Iterations int     `key:"iterations" default:"30" range:"[1,100000]" doc:"most iterations, over all levels"`
	Damping    float64 `key:"damping" default:"0.001" range:"(0,inf)" doc:"initial damping, relative to the diagonal"`
	Tolerance  float64 `key:"tolerance" default:"1e-8" range:"[0,1)" doc:"stop when an accepted step lowers the loss by less than this share"`
}

// Adam is Kingma and Ba's method.
type Adam struct {
	Iterations int     `key:"iterations" default:"300" range:"[1,10000000]" doc:"most iterations, over all levels"`
	Rate       float64 `key:"rate" default:"0.01" range:"(0,inf)" doc:"step in local coordinates"`
	Beta1      float64 `key:"beta1" default:"0.9" range:"[0,1)" doc:"decay of the mean"`
	Beta2      float64 `key:"beta2" default:"0.999" range:"[0,1)" doc:"decay of the mean square"`
	Tolerance  float64 `key:"tolerance" default:"1e-6" range:"[0,1)" doc:"stop when the loss has not fallen by this share over 50 iterations"`
}

// Starts are hypotheses: every random draw combined with every grid point.
type Starts struct {
	Count  int    `key:"count" default:"1" range:"[1,100000]" doc:"random draws from the parameters' ranges; with 1, only the start itself (and the grid around it)"`
	Seed   int    `key:"seed" default:"1" range:"[0,4294967295]" doc:"seed of the draws"`
	Exact  bool   `key:"exact" default:"false" doc:"draw at the full range's distance (rotations, directions, poses) instead of within it"`
	Grid   []Axis `key:"grid" doc:"axes of a grid around every draw"`
	Coarse int    `key:"coarse" default:"5" range:"[0,10000]" doc:"iterations on the coarsest level before hypotheses are compared"`
	Keep   int    `key:"keep" default:"1" range:"[1,10000]" doc:"best hypotheses that are continued"`
}

// Axis is one axis of a grid of starts.
type Axis struct {
	Path  string  `key:"path" opt:"required" doc:"a number such as ball.center.x, or a pose"`
	Along string  `key:"along" enum:"x|y|z" default:"x" doc:"for a pose: axis of its translation"`
	Frame string  `key:"frame" enum:"own|world" default:"own" doc:"for a pose: the object's own axes or the world's"`
	From  float64 `key:"from" opt:"required" doc:"first offset from the start"`
	To    float64 `key:"to" opt:"required" doc:"last offset from the start"`
	Count int     `key:"count" opt:"required" range:"[1,10000]" doc:"number of offsets"`
}

// Synthetic says how targets are rendered from the truth.
type Synthetic struct {
	Samples int     `key:"samples" default:"64" range:"[1,65536]" doc:"samples per pixel"`
	Seed    int     `key:"seed" default:"7" range:"[0,4294967295]" doc:"seed of sample positions and noise"`
	Noise   float64 `key:"noise" default:"0" range:"[0,inf)" doc:"standard deviation of Gaussian noise, linear"`
	Bits    int     `key:"bits" default:"8" range:"[0,16]" doc:"bits per channel after the view's encoding; 0: not quantised"`
}

// complete fills in what is absent and depends on other fields.
func (f *Fit) complete(has func(key string) bool) {
	if !has("loss") {
		f.Loss = Loss{L2: &L2{}}
	}
	if !has("optimizer") {
		f.Optimizer = Optimizer{LM: &LM{Iterations: 30, Damping: 0.001, Tolerance: 1e-8}}
	}
}
