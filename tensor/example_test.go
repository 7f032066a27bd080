package tensor_test

import (
	"context"
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/tensor"
)

// A line through points, by gradient descent on a compiled step.
func Example() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	x := e.New([]float32{0, 1, 2, 3}, 4)
	y := e.New([]float32{1, 3, 5, 7}, 4)
	slope, height := e.NewVariable("slope", e.Scalar(0)), e.NewVariable("height", e.Scalar(0))
	step, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		a, b := slope.Value(), height.Value()
		loss := a.Mul(x).Add(b).Sub(y).Sq().Mean()
		g := tensor.Grad(loss, a, b)
		slope.Set(a.Sub(g[0].Times(0.1)))
		height.Set(b.Sub(g[1].Times(0.1)))
		return []*tensor.Tensor{loss}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer step.Close()
	for range 300 {
		if err := step.Run(context.Background()); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("y = %.2f x + %.2f, loss %.0f\n", slope.Value().Item(), height.Value().Item(), step.Result(0).Item())
	// Output: y = 2.00 x + 1.00, loss 0
}

// The product of a function's second derivatives with a vector, without the matrix: at (1, 1) those of Rosenbrock's function
// are 802, -400, -400, 200.
func ExampleHVP() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	x := e.New([]float32{1, 1}, 2)
	a, b := x.At(0, 0), x.At(0, 1)
	rosenbrock := a.From(1).Sq().Add(b.Sub(a.Sq()).Sq().Times(100))
	v := e.New([]float32{1, 2}, 2)
	fmt.Println(tensor.HVP(rosenbrock, []*tensor.Tensor{x}, []*tensor.Tensor{v})[0])
	// Output: float32[2] [2 0]
}

// The Greeks of a European call: the price is a mean over paths, and its derivatives are those of the program that computes it.
// The closed form of Black and Scholes gives 10.451, 0.637, 37.52 and 53.23.
func ExampleGrad() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	spot, volatility, rate := e.Scalar(100), e.Scalar(0.2), e.Scalar(0.05)
	const strike, years, paths = 100, 1, 1 << 18
	z := e.NewRandom(1).Normal(paths)
	drift := rate.Sub(volatility.Sq().Times(0.5)).Times(years)
	diffusion := volatility.Times(math.Sqrt(years))
	mean := func(z *tensor.Tensor) *tensor.Tensor {
		return spot.Mul(drift.Add(diffusion.Mul(z)).Exp()).Minus(strike).ReLU().Mean()
	}
	price := mean(z).Add(mean(z.Neg())).Times(0.5).Mul(rate.Times(-years).Exp()) // antithetic paths
	greeks := tensor.Grad(price, spot, volatility, rate)
	fmt.Printf("price %.1f, delta %.2f, vega %.0f, rho %.0f\n", price.Item(), greeks[0].Item(), greeks[1].Item(), greeks[2].Item())
	// Output: price 10.5, delta 0.64, vega 38, rho 53
}

// Shapes that do not go together are told with the call.
func ExampleCatch() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	err := tensor.Catch(func() { e.Zeros(2, 3).MatMul(e.Zeros(2, 3)) })
	fmt.Println(err.(*tensor.Error).Call, err.(*tensor.Error).Detail)
	// Output: MatMul shapes [2 3] and [2 3]: inner extents 3 and 2 differ
}
