package onnx

import (
	"math"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func quantizationOperators() []operator {
	return []operator{
		op("QuantizeLinear", evalQuantizeLinear, 10, 13),
		op("DequantizeLinear", evalDequantizeLinear, 10, 13),
		op("DynamicQuantizeLinear", evalDynamicQuantizeLinear, 11),
		op("MatMulInteger", evalMatMulInteger, 10),
		op("ConvInteger", evalConvInteger, 10),
		op("QLinearMatMul", evalQLinearMatMul, 10),
		op("QLinearConv", evalQLinearConv, 10),
	}
}

// saturated rounds to even, adds the zero point and clamps to what its type holds.
func saturated(x, zero Tensor) Tensor {
	lowest, highest := 0.0, float64(math.MaxUint8)
	if zero.Type() == ndarray.Int8 {
		lowest, highest = math.MinInt8, math.MaxInt8
	}
	x = add(unary("Round", x), cast(zero, x.Type()))
	return cast(maximum(like(x, lowest), minimum(like(x, highest), x)), zero.Type())
}

// alongAxis lets a vector vary along the dimension that the attribute axis names.
func (c *call) alongAxis(v Tensor, rank int) Tensor {
	if len(v.Shape()) == 0 || product(v.Shape()) == 1 {
		return reshape(v)
	}
	return alignedAt(v, c.axis("axis", 1, rank), rank)
}

func evalQuantizeLinear(c *call) {
	x := c.in(0)
	rank := len(x.Shape())
	zero := c.or(2, ndarray.Scalar(uint8(0)))
	scaled := divide(cast(x, ndarray.Float32), c.alongAxis(c.in(1), rank))
	c.out(saturated(scaled, c.alongAxis(zero, rank)))
}

func evalDequantizeLinear(c *call) {
	x := c.in(0)
	rank := len(x.Shape())
	scale := c.alongAxis(c.in(1), rank)
	zero := c.alongAxis(c.or(2, like(x, 0)), rank)
	c.out(multiply(cast(subtract(cast(x, ndarray.Int32), cast(zero, ndarray.Int32)), scale.Type()), scale))
}

// evalDynamicQuantizeLinear covers the range of x, widened to include 0.
func evalDynamicQuantizeLinear(c *call) {
	x := c.in(0)
	all := counting(len(x.Shape()))
	highest := maximum(reduce("Max", x, all, false), like(x, 0))
	lowest := minimum(reduce("Min", x, all, false), like(x, 0))
	step := scale(subtract(highest, lowest), 1.0/math.MaxUint8)
	none := ndarray.Scalar(uint8(0))
	zero := saturated(unary("Neg", divide(lowest, step)), none)
	c.out(saturated(divide(x, step), zero), step, zero)
}

// centredInts subtracts the zero point of an input, if it is given, in int32.
func (c *call) centredInts(x Tensor, zero int, column bool) Tensor {
	wide := cast(x, ndarray.Int32)
	if !c.has(zero) {
		return wide
	}
	offset := cast(c.in(zero), ndarray.Int32)
	if column && len(offset.Shape()) == 1 && product(offset.Shape()) > 1 {
		offset = unsqueeze(offset, 1)
	}
	return subtract(wide, offset)
}

func evalMatMulInteger(c *call) {
	c.out(matrixProduct(c.centredInts(c.in(0), 2, true), c.centredInts(c.in(1), 3, false)))
}

func evalConvInteger(c *call) {
	weights := cast(c.in(1), ndarray.Int32)
	if c.has(3) {
		weights = subtract(weights, perFeature(cast(c.in(3), ndarray.Int32), len(weights.Shape())))
	}
	c.out(c.convolve(c.centredInts(c.in(0), 2, false), weights))
}

// perFeature lets a vector vary along dimension 0.
func perFeature(v Tensor, rank int) Tensor {
	if len(v.Shape()) == 0 || product(v.Shape()) == 1 {
		return reshape(v)
	}
	return alignedAt(v, 0, rank)
}

func evalQLinearMatMul(c *call) {
	sums := matrixProduct(c.centredInts(c.in(0), 2, true), c.centredInts(c.in(3), 5, false))
	left, right := c.in(1), c.in(4)
	if len(left.Shape()) == 1 && product(left.Shape()) > 1 {
		left = unsqueeze(left, 1)
	}
	c.out(saturated(multiply(cast(sums, ndarray.Float32), divide(multiply(left, right), c.in(6))), c.in(7)))
}

func evalQLinearConv(c *call) {
	x, weights := c.centredInts(c.in(0), 2, false), cast(c.in(3), ndarray.Int32)
	weights = subtract(weights, perFeature(cast(c.in(5), ndarray.Int32), len(weights.Shape())))
	sums := biased(c.convolve(x, weights), c.optional(8))
	steps := c.in(4)
	if product(steps.Shape()) > 1 {
		steps = alignedAt(steps, 1, len(sums.Shape()))
	} else {
		steps = reshape(steps)
	}
	factor := divide(multiply(reshape(c.in(1)), steps), reshape(c.in(6)))
	c.out(saturated(multiply(cast(sums, ndarray.Float32), factor), reshape(c.in(7))))
}
