package bench

import (
	"context"
	"fmt"

	"github.com/baremetaldevx86/microdr/tensor"
)

// stream is a function of tensors that does little with each element, so that the memory sets its pace.
type stream struct {
	name    string
	inputs  int
	bytes   int // an element, as STREAM counts them: what is read and what is written
	compute func(x []*tensor.Tensor) *tensor.Tensor
}

// streams are what Tensors measures beside the triad.
func streams() []*stream {
	const float = 4
	return []*stream{
		{"x+y", 2, 3 * float, func(x []*tensor.Tensor) *tensor.Tensor { return x[0].Add(x[1]) }},
		{"relu(x*2+1)", 1, 2 * float, func(x []*tensor.Tensor) *tensor.Tensor { return x[0].Times(2).Plus(1).ReLU() }},
		{"sum", 1, float, func(x []*tensor.Tensor) *tensor.Tensor { return x[0].Sum() }},
		{"sum of squares", 1, float, func(x []*tensor.Tensor) *tensor.Tensor { return x[0].Sq().Sum() }},
	}
}

// compile makes the function for tensors of n elements from -1 to 1.
func (q *stream) compile(e *tensor.Engine, n int) (*tensor.Function, error) {
	inputs := make([]tensor.Spec, q.inputs)
	for i := range inputs {
		inputs[i] = tensor.Spec{Type: tensor.Float32, Shape: []int{n}}
	}
	f, err := e.Compile(func(x []*tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{q.compute(x)} }, inputs...)
	if err != nil {
		return nil, err
	}
	for i := range inputs {
		repeat(f.Input(i).Float32s(), between(1<<14, uint64(21+i), -1, 1))
	}
	return f, nil
}

// repeat fills dst with copies of src: random numbers for all of a large tensor take longer than its measurement.
func repeat(dst, src []float32) {
	for len(dst) > 0 {
		dst = dst[copy(dst, src):]
	}
}

// measure returns what compares the rate of bytes with the triad's.
func (q *stream) measure(elements, workers int) measureFunc {
	return func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		base, err := s.triad(workers)
		if err != nil {
			return nil, err
		}
		e := tensor.Open(tensor.Options{Workers: workers})
		defer e.Close()
		f, err := q.compile(e, elements)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		t, err := Rounds(ctx, s.Rounds, runs(f), base.run)
		if err != nil {
			return nil, err
		}
		ours, lanes := float64(q.bytes)*float64(elements), triadBytes*float64(s.triadLanes)
		r := Compare(names[0], "GB/s", Higher, t[0].Rates(ours*1e-9), t[1].Rates(lanes*1e-9))
		r.Note = fmt.Sprintf("a triad; %s MB, the triad %s MB", figures(ours*1e-6), figures(lanes*1e-6))
		return []Row{r}, nil
	}
}
