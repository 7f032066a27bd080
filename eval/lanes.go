package eval

import (
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// The loops over the lanes of registers that most of the time goes into. They take eight lanes a turn, written out,
// which is three times as fast as one (no bounds check is left, and the processor overlaps the lanes); the last turn
// runs over a few lanes more than asked for, which hold nothing that is read.

// step is the number of lanes of a turn; it divides Width.
const step = 8

// window returns the lanes [i, i+step) of a register; i is a multiple of step. The mask tells the compiler that they
// exist.
func window[T any](r *[Width]T, i int) *[step]T {
	j := i & (Width - step)
	return (*[step]T)(r[j : j+step])
}

func binary[F float](op ir.Op, dst, a, b *[Width]F, n int) {
	switch op {
	case ir.OpAdd:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]+y[0], x[1]+y[1], x[2]+y[2], x[3]+y[3]
			d[4], d[5], d[6], d[7] = x[4]+y[4], x[5]+y[5], x[6]+y[6], x[7]+y[7]
		}
	case ir.OpSub:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
			d[4], d[5], d[6], d[7] = x[4]-y[4], x[5]-y[5], x[6]-y[6], x[7]-y[7]
		}
	case ir.OpMul:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]*y[0], x[1]*y[1], x[2]*y[2], x[3]*y[3]
			d[4], d[5], d[6], d[7] = x[4]*y[4], x[5]*y[5], x[6]*y[6], x[7]*y[7]
		}
	case ir.OpDiv:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]/y[0], x[1]/y[1], x[2]/y[2], x[3]/y[3]
			d[4], d[5], d[6], d[7] = x[4]/y[4], x[5]/y[5], x[6]/y[6], x[7]/y[7]
		}
	case ir.OpMin:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = min(x[0], y[0]), min(x[1], y[1]), min(x[2], y[2]), min(x[3], y[3])
			d[4], d[5], d[6], d[7] = min(x[4], y[4]), min(x[5], y[5]), min(x[6], y[6]), min(x[7], y[7])
		}
	case ir.OpMax:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = max(x[0], y[0]), max(x[1], y[1]), max(x[2], y[2]), max(x[3], y[3])
			d[4], d[5], d[6], d[7] = max(x[4], y[4]), max(x[5], y[5]), max(x[6], y[6]), max(x[7], y[7])
		}
	default:
		for i := range n {
			dst[i] = F(ir.ScalarF64(op, float64(a[i]), float64(b[i]), 0))
		}
	}
}

// fusedLanes rounds the product before it adds: the conversions forbid Go to contract.
func fusedLanes[F float](op ir.Op, dst, a, b, c *[Width]F, n int) {
	switch op {
	case opMulAdd:
		for i := 0; i < n; i += step {
			d, x, y, z := window(dst, i), window(a, i), window(b, i), window(c, i)
			d[0], d[1], d[2], d[3] = F(x[0]*y[0])+z[0], F(x[1]*y[1])+z[1], F(x[2]*y[2])+z[2], F(x[3]*y[3])+z[3]
			d[4], d[5], d[6], d[7] = F(x[4]*y[4])+z[4], F(x[5]*y[5])+z[5], F(x[6]*y[6])+z[6], F(x[7]*y[7])+z[7]
		}
	case opMulSub:
		for i := 0; i < n; i += step {
			d, x, y, z := window(dst, i), window(a, i), window(b, i), window(c, i)
			d[0], d[1], d[2], d[3] = F(x[0]*y[0])-z[0], F(x[1]*y[1])-z[1], F(x[2]*y[2])-z[2], F(x[3]*y[3])-z[3]
			d[4], d[5], d[6], d[7] = F(x[4]*y[4])-z[4], F(x[5]*y[5])-z[5], F(x[6]*y[6])-z[6], F(x[7]*y[7])-z[7]
		}
	case opSubMul:
		for i := 0; i < n; i += step {
			d, x, y, z := window(dst, i), window(a, i), window(b, i), window(c, i)
			d[0], d[1], d[2], d[3] = z[0]-F(x[0]*y[0]), z[1]-F(x[1]*y[1]), z[2]-F(x[2]*y[2]), z[3]-F(x[3]*y[3])
			d[4], d[5], d[6], d[7] = z[4]-F(x[4]*y[4]), z[5]-F(x[5]*y[5]), z[6]-F(x[6]*y[6]), z[7]-F(x[7]*y[7])
		}
	}
}

// fmaLanes rounds once. For float32 see ir.FMA32: the sum in float64 rounds to the right float32 unless it lies half
// way between two of them or is small; only those lanes take the long way.
func fmaLanes[F float](dst, a, b, c *[Width]F, n int) {
	if d, ok := any(dst).(*[Width]float32); ok {
		fma32(d, any(a).(*[Width]float32), any(b).(*[Width]float32), any(c).(*[Width]float32), n)
		return
	}
	for i := range n {
		dst[i] = F(math.FMA(float64(a[i]), float64(b[i]), float64(c[i])))
	}
}

func fma32(dst, a, b, c *[Width]float32, n int) {
	for i := 0; i < n; i += step {
		d, x, y, z := window(dst, i), window(a, i), window(b, i), window(c, i)
		for k := 0; k < step; k += 4 {
			k &= step - 4
			s0 := float64(x[k])*float64(y[k]) + float64(z[k])
			s1 := float64(x[k+1])*float64(y[k+1]) + float64(z[k+1])
			s2 := float64(x[k+2])*float64(y[k+2]) + float64(z[k+2])
			s3 := float64(x[k+3])*float64(y[k+3]) + float64(z[k+3])
			if roundsTwice(s0) || roundsTwice(s1) || roundsTwice(s2) || roundsTwice(s3) {
				for j := k; j < k+4; j++ {
					d[j] = ir.FMA32(x[j], y[j], z[j])
				}
				continue
			}
			d[k], d[k+1], d[k+2], d[k+3] = float32(s0), float32(s1), float32(s2), float32(s3)
		}
	}
}

// roundsTwice tells whether rounding s once more, to float32, may differ from rounding the exact sum: s is half way
// between two float32 (29 bits below them, 100...0) or below the normal ones.
func roundsTwice(s float64) bool {
	u := math.Float64bits(s)
	return uint32(u)<<3 == 1<<31 || u<<1-1 < (1023-126)<<53-1
}

// compare tells for each lane whether a op b.
func compare[T float32 | float64 | uint32 | int32](op ir.Op, dst *[Width]uint32, a, b *[Width]T, n int) {
	switch op {
	case ir.OpEq:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = bit(x[0] == y[0]), bit(x[1] == y[1]), bit(x[2] == y[2]), bit(x[3] == y[3])
			d[4], d[5], d[6], d[7] = bit(x[4] == y[4]), bit(x[5] == y[5]), bit(x[6] == y[6]), bit(x[7] == y[7])
		}
	case ir.OpNe:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = bit(x[0] != y[0]), bit(x[1] != y[1]), bit(x[2] != y[2]), bit(x[3] != y[3])
			d[4], d[5], d[6], d[7] = bit(x[4] != y[4]), bit(x[5] != y[5]), bit(x[6] != y[6]), bit(x[7] != y[7])
		}
	case ir.OpLt:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = bit(x[0] < y[0]), bit(x[1] < y[1]), bit(x[2] < y[2]), bit(x[3] < y[3])
			d[4], d[5], d[6], d[7] = bit(x[4] < y[4]), bit(x[5] < y[5]), bit(x[6] < y[6]), bit(x[7] < y[7])
		}
	case ir.OpLe:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = bit(x[0] <= y[0]), bit(x[1] <= y[1]), bit(x[2] <= y[2]), bit(x[3] <= y[3])
			d[4], d[5], d[6], d[7] = bit(x[4] <= y[4]), bit(x[5] <= y[5]), bit(x[6] <= y[6]), bit(x[7] <= y[7])
		}
	}
}

// selectLanes works on the bits, which takes no branch.
func selectLanes[T float32 | float64 | uint32](dst *[Width]T, c *[Width]uint32, a, b *[Width]T, n int) {
	if unsafe.Sizeof(a[0]) == 8 {
		choose(cast[uint64](dst), c, cast[uint64](a), cast[uint64](b), n)
		return
	}
	choose(cast[uint32](dst), c, cast[uint32](a), cast[uint32](b), n)
}

func choose[W uint32 | uint64](dst *[Width]W, c *[Width]uint32, a, b *[Width]W, n int) {
	for i := 0; i < n; i += step {
		d, p, x, y := window(dst, i), window(c, i), window(a, i), window(b, i)
		d[0], d[1], d[2], d[3] = pick(p[0], x[0], y[0]), pick(p[1], x[1], y[1]), pick(p[2], x[2], y[2]), pick(p[3], x[3], y[3])
		d[4], d[5], d[6], d[7] = pick(p[4], x[4], y[4]), pick(p[5], x[5], y[5]), pick(p[6], x[6], y[6]), pick(p[7], x[7], y[7])
	}
}

func pick[W uint32 | uint64](p uint32, x, y W) W {
	if p != 0 {
		y = x
	}
	return y
}

// cast returns the register as lanes of another type of the same size.
func cast[W, T any](r *[Width]T) *[Width]W { return (*[Width]W)(unsafe.Pointer(r)) }

// unary runs the one-argument float ops. Rounding and roots computed in float64 and rounded once more are exact
// for float32 (a square root has no double rounding between these formats).
func unary[F float](op ir.Op, dst, a *[Width]F, n int) {
	switch op {
	case ir.OpDetach:
		copy(dst[:n], a[:n])
	case ir.OpNeg:
		for i := 0; i < n; i += step {
			d, x := window(dst, i), window(a, i)
			d[0], d[1], d[2], d[3] = -x[0], -x[1], -x[2], -x[3]
			d[4], d[5], d[6], d[7] = -x[4], -x[5], -x[6], -x[7]
		}
	case ir.OpAbs:
		for i := 0; i < n; i += step {
			d, x := window(dst, i), window(a, i)
			d[0], d[1], d[2], d[3] = F(math.Abs(float64(x[0]))), F(math.Abs(float64(x[1]))), F(math.Abs(float64(x[2]))), F(math.Abs(float64(x[3])))
			d[4], d[5], d[6], d[7] = F(math.Abs(float64(x[4]))), F(math.Abs(float64(x[5]))), F(math.Abs(float64(x[6]))), F(math.Abs(float64(x[7])))
		}
	case ir.OpSqrt:
		for i := 0; i < n; i += step {
			d, x := window(dst, i), window(a, i)
			d[0], d[1], d[2], d[3] = F(math.Sqrt(float64(x[0]))), F(math.Sqrt(float64(x[1]))), F(math.Sqrt(float64(x[2]))), F(math.Sqrt(float64(x[3])))
			d[4], d[5], d[6], d[7] = F(math.Sqrt(float64(x[4]))), F(math.Sqrt(float64(x[5]))), F(math.Sqrt(float64(x[6]))), F(math.Sqrt(float64(x[7])))
		}
	case ir.OpFloor:
		for i := range n {
			dst[i] = F(math.Floor(float64(a[i])))
		}
	case ir.OpRound:
		for i := range n {
			dst[i] = F(math.RoundToEven(float64(a[i])))
		}
	default:
		for i := range n {
			dst[i] = F(ir.ScalarF64(op, float64(a[i]), 0, 0))
		}
	}
}

// words runs the integer and bit ops.
func words(in *instr, dst, a, b *[Width]uint32, n int) {
	switch in.op {
	case ir.OpDetach:
		copy(dst[:n], a[:n])
	case ir.OpAnd:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
			d[4], d[5], d[6], d[7] = x[4]&y[4], x[5]&y[5], x[6]&y[6], x[7]&y[7]
		}
	case ir.OpOr:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]|y[0], x[1]|y[1], x[2]|y[2], x[3]|y[3]
			d[4], d[5], d[6], d[7] = x[4]|y[4], x[5]|y[5], x[6]|y[6], x[7]|y[7]
		}
	case ir.OpXor:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
			d[4], d[5], d[6], d[7] = x[4]^y[4], x[5]^y[5], x[6]^y[6], x[7]^y[7]
		}
	case ir.OpAdd:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]+y[0], x[1]+y[1], x[2]+y[2], x[3]+y[3]
			d[4], d[5], d[6], d[7] = x[4]+y[4], x[5]+y[5], x[6]+y[6], x[7]+y[7]
		}
	case ir.OpSub:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
			d[4], d[5], d[6], d[7] = x[4]-y[4], x[5]-y[5], x[6]-y[6], x[7]-y[7]
		}
	case ir.OpMul:
		for i := 0; i < n; i += step {
			d, x, y := window(dst, i), window(a, i), window(b, i)
			d[0], d[1], d[2], d[3] = x[0]*y[0], x[1]*y[1], x[2]*y[2], x[3]*y[3]
			d[4], d[5], d[6], d[7] = x[4]*y[4], x[5]*y[5], x[6]*y[6], x[7]*y[7]
		}
	case ir.OpNot:
		flip := uint32(math.MaxUint32)
		if in.typ == ir.Bool {
			flip = 1
		}
		for i := range n {
			dst[i] = a[i] ^ flip
		}
	default:
		scalarWords(in, dst[:n], a[:n], b[:n])
	}
}

// bitsOf gives the bits of the lanes as float32, NaN made canonical; fromBits is the way back.
func bitsOf[F float](dst *[Width]uint32, a *[Width]F, n int) {
	for i := 0; i < n; i += step {
		d, x := window(dst, i), window(a, i)
		d[0], d[1], d[2], d[3] = ir.Bits32(float32(x[0])), ir.Bits32(float32(x[1])), ir.Bits32(float32(x[2])), ir.Bits32(float32(x[3]))
		d[4], d[5], d[6], d[7] = ir.Bits32(float32(x[4])), ir.Bits32(float32(x[5])), ir.Bits32(float32(x[6])), ir.Bits32(float32(x[7]))
	}
}

func fromBits[F float](dst *[Width]F, a *[Width]uint32, n int) {
	for i := 0; i < n; i += step {
		d, x := window(dst, i), window(a, i)
		d[0], d[1], d[2], d[3] = F(ir.FromBits32(x[0])), F(ir.FromBits32(x[1])), F(ir.FromBits32(x[2])), F(ir.FromBits32(x[3]))
		d[4], d[5], d[6], d[7] = F(ir.FromBits32(x[4])), F(ir.FromBits32(x[5])), F(ir.FromBits32(x[6])), F(ir.FromBits32(x[7]))
	}
}
