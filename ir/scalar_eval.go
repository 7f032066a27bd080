package ir

import (
	"fmt"
	"math"
)

// Scalar computes an op of the table (leaves, select, conversions, gathers and transcendentals aside) on
// arguments of type t given by their bits, and returns the bits of the result. It is the meaning that folding
// uses and that executors are tested against.
func Scalar(op Op, t Type, bits [3]uint64) uint64 {
	if op == OpDetach {
		return bits[0]
	}
	switch t {
	case F32:
		f := func(i int) float32 { return math.Float32frombits(uint32(bits[i])) }
		if op.Info().Compare {
			return truth(compare(op, f(0), f(1)))
		}
		return uint64(Bits32(scalarF32(op, f(0), f(1), f(2))))
	case F64:
		f := func(i int) float64 { return math.Float64frombits(bits[i]) }
		if op.Info().Compare {
			return truth(compare(op, f(0), f(1)))
		}
		return math.Float64bits(ScalarF64(op, f(0), f(1), f(2)))
	case I32:
		a, b := int32(bits[0]), int32(bits[1])
		if op.Info().Compare {
			return truth(compare(op, a, b))
		}
		return uint64(uint32(scalarI32(op, a, b)))
	case U32:
		a, b := uint32(bits[0]), uint32(bits[1])
		if op.Info().Compare {
			return truth(compare(op, a, b))
		}
		return uint64(scalarU32(op, a, b))
	case Bool:
		return scalarBool(op, bits[0], bits[1])
	}
	panic(fmt.Sprintf("ir: %v of %v", op, t))
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func compare[T int32 | uint32 | float32 | float64](op Op, a, b T) bool {
	switch op {
	case OpEq:
		return a == b
	case OpNe:
		return a != b
	case OpLt:
		return a < b
	}
	return a <= b
}

func scalarF32(op Op, a, b, c float32) float32 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpMul:
		return a * b
	case OpDiv:
		return a / b
	case OpNeg:
		return Neg32(a)
	case OpAbs:
		return Abs32(a)
	case OpMin:
		return Min32(a, b)
	case OpMax:
		return Max32(a, b)
	case OpSqrt:
		return Sqrt32(a)
	case OpFMA:
		return FMA32(a, b, c)
	case OpFloor:
		return Floor32(a)
	case OpCeil:
		return Ceil32(a)
	case OpTrunc:
		return Trunc32(a)
	case OpRound:
		return Round32(a)
	case OpScale:
		return Scale32(a, b)
	}
	panic("ir: no float32 meaning of " + op.String())
}

// ScalarF64 is the meaning of the float ops, transcendentals included, on float64: the oracle's.
func ScalarF64(op Op, a, b, c float64) float64 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpMul:
		return a * b
	case OpDiv:
		return a / b
	case OpNeg:
		return -a
	case OpAbs:
		return math.Abs(a)
	case OpMin:
		return min(a, b)
	case OpMax:
		return max(a, b)
	case OpSqrt:
		return math.Sqrt(a)
	case OpFMA:
		return math.FMA(a, b, c)
	case OpFloor:
		return math.Floor(a)
	case OpCeil:
		return math.Ceil(a)
	case OpTrunc:
		return math.Trunc(a)
	case OpRound:
		return math.RoundToEven(a)
	case OpScale:
		return Scale64(a, b)
	}
	return transcendentalF64(op, a, b)
}

func transcendentalF64(op Op, a, b float64) float64 {
	switch op {
	case OpExp:
		return math.Exp(a)
	case OpLog:
		return math.Log(a)
	case OpSin:
		return math.Sin(a)
	case OpCos:
		return math.Cos(a)
	case OpTan:
		return math.Tan(a)
	case OpAtan2:
		return math.Atan2(a, b)
	case OpPow:
		return math.Pow(a, b)
	case OpTanh:
		return math.Tanh(a)
	case OpErf:
		return math.Erf(a)
	}
	panic("ir: no float64 meaning of " + op.String())
}

func scalarI32(op Op, a, b int32) int32 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpMul:
		return a * b
	case OpDiv:
		return DivI32(a, b)
	case OpRem:
		return RemI32(a, b)
	case OpNeg:
		return -a
	case OpAbs:
		return max(a, -a)
	case OpMin:
		return min(a, b)
	case OpMax:
		return max(a, b)
	case OpMulHi:
		return MulHiI32(a, b)
	case OpShl:
		return a << (uint32(b) & 31)
	case OpShr:
		return a >> (uint32(b) & 31)
	}
	return int32(scalarBits(op, uint32(a), uint32(b)))
}

func scalarU32(op Op, a, b uint32) uint32 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpMul:
		return a * b
	case OpDiv:
		return DivU32(a, b)
	case OpRem:
		return RemU32(a, b)
	case OpNeg:
		return -a
	case OpAbs:
		return a
	case OpMin:
		return min(a, b)
	case OpMax:
		return max(a, b)
	case OpMulHi:
		return MulHiU32(a, b)
	case OpShl:
		return a << (b & 31)
	case OpShr:
		return a >> (b & 31)
	}
	return scalarBits(op, a, b)
}

func scalarBits(op Op, a, b uint32) uint32 {
	switch op {
	case OpAnd:
		return a & b
	case OpOr:
		return a | b
	case OpXor:
		return a ^ b
	case OpNot:
		return ^a
	}
	panic("ir: no integer meaning of " + op.String())
}

func scalarBool(op Op, a, b uint64) uint64 {
	switch op {
	case OpAnd:
		return a & b
	case OpOr:
		return a | b
	case OpXor:
		return a ^ b
	case OpNot:
		return a ^ 1
	}
	panic("ir: no bool meaning of " + op.String())
}
