package ir

import "fmt"

// Op names what a node computes.
type Op uint8

// The ops. The table below them gives each one's arguments; scalar.go gives its exact meaning.
const (
	OpInvalid Op = iota

	// Leaves. Imm: the constant's bits; the uniform's index in the module; nothing; the parameter's index in
	// its function; the loop's index << 32 | the state's index.
	OpConst
	OpUniform
	OpLane
	OpParam
	OpState

	// Arithmetic on floats and integers; integers wrap.
	OpAdd
	OpSub
	OpMul
	OpDiv // integers: truncated; x/0 = 0, MinInt32/-1 = MinInt32
	OpRem // integers only: x - (x/y)*y; x%0 = 0
	OpNeg
	OpAbs
	OpMin // floats: IEEE 754-2019 minimum: NaN if either is NaN, -0 < +0
	OpMax
	OpMulHi // integers only: the high 32 bits of the 64-bit product

	// Floats only.
	OpSqrt
	OpFMA // a*b + c rounded once
	OpFloor
	OpCeil
	OpTrunc
	OpRound // to nearest, ties to even
	OpScale // scale(x, n) = x * 2^floor(n), rounded once

	// Bits. Bool takes part in and, or, xor, not. Shift counts are taken modulo 32.
	OpAnd
	OpOr
	OpXor
	OpNot
	OpShl
	OpShr // arithmetic on I32, logical on U32

	// Comparisons: Bool; ordered (false on NaN) but for ne. x > y is built as y < x.
	OpEq
	OpNe
	OpLt
	OpLe

	OpSelect  // select(cond, a, b)
	OpConvert // between number types; float to int truncates, saturates, NaN gives 0
	OpBitcast // between types of 32 bits; NaN is made canonical
	OpDetach  // the identity, with derivative zero

	// Transcendentals: ops until, after differentiation, a pass expands them.
	OpExp
	OpLog
	OpSin
	OpCos
	OpTan
	OpAtan2 // atan2(y, x)
	OpPow
	OpTanh
	OpErf

	// OpGather reads an element: args: index (I32 or U32); Imm: the buffer's index in the module. An index
	// out of range reads zero.
	OpGather

	// Results of several values. OpLoop and OpCall have type Invalid and are read through OpResult, whose
	// Imm is the result's index. Imm of OpLoop: index into Loops; of OpCall: index into Calls.
	OpLoop
	OpCall
	OpResult

	numOps
)

// Class restricts the types an op's arguments may have.
type Class uint8

// The classes of argument types.
const (
	ClassNone   Class = iota // no arguments, or checked by hand
	ClassNumber              // F32, F64, I32, U32
	ClassFloat               // F32, F64
	ClassInt                 // I32, U32
	ClassBits                // I32, U32, Bool
	ClassAny                 // anything
)

// OpInfo is a row of the op table.
type OpInfo struct {
	Name        string
	Args        int   // number of arguments held in Node.Args
	Class       Class // of the arguments, all of one type unless the op is checked by hand
	Commutative bool  // the first two arguments may be exchanged without changing a bit
	Compare     bool  // the result is Bool
	Transc      bool  // a transcendental, expanded after differentiation
}

var opTable = [numOps]OpInfo{
	OpInvalid: {Name: "invalid"},
	OpConst:   {Name: "const"},
	OpUniform: {Name: "uniform"},
	OpLane:    {Name: "lane"},
	OpParam:   {Name: "param"},
	OpState:   {Name: "state"},
	OpAdd:     {Name: "add", Args: 2, Class: ClassNumber, Commutative: true},
	OpSub:     {Name: "sub", Args: 2, Class: ClassNumber},
	OpMul:     {Name: "mul", Args: 2, Class: ClassNumber, Commutative: true},
	OpDiv:     {Name: "div", Args: 2, Class: ClassNumber},
	OpRem:     {Name: "rem", Args: 2, Class: ClassInt},
	OpNeg:     {Name: "neg", Args: 1, Class: ClassNumber},
	OpAbs:     {Name: "abs", Args: 1, Class: ClassNumber},
	OpMin:     {Name: "min", Args: 2, Class: ClassNumber, Commutative: true},
	OpMax:     {Name: "max", Args: 2, Class: ClassNumber, Commutative: true},
	OpMulHi:   {Name: "mulhi", Args: 2, Class: ClassInt, Commutative: true},
	OpSqrt:    {Name: "sqrt", Args: 1, Class: ClassFloat},
	OpFMA:     {Name: "fma", Args: 3, Class: ClassFloat, Commutative: true},
	OpFloor:   {Name: "floor", Args: 1, Class: ClassFloat},
	OpCeil:    {Name: "ceil", Args: 1, Class: ClassFloat},
	OpTrunc:   {Name: "trunc", Args: 1, Class: ClassFloat},
	OpRound:   {Name: "round", Args: 1, Class: ClassFloat},
	OpScale:   {Name: "scale", Args: 2, Class: ClassFloat},
	OpAnd:     {Name: "and", Args: 2, Class: ClassBits, Commutative: true},
	OpOr:      {Name: "or", Args: 2, Class: ClassBits, Commutative: true},
	OpXor:     {Name: "xor", Args: 2, Class: ClassBits, Commutative: true},
	OpNot:     {Name: "not", Args: 1, Class: ClassBits},
	OpShl:     {Name: "shl", Args: 2, Class: ClassInt},
	OpShr:     {Name: "shr", Args: 2, Class: ClassInt},
	OpEq:      {Name: "eq", Args: 2, Class: ClassNumber, Commutative: true, Compare: true},
	OpNe:      {Name: "ne", Args: 2, Class: ClassNumber, Commutative: true, Compare: true},
	OpLt:      {Name: "lt", Args: 2, Class: ClassNumber, Compare: true},
	OpLe:      {Name: "le", Args: 2, Class: ClassNumber, Compare: true},
	OpSelect:  {Name: "select", Args: 3},
	OpConvert: {Name: "convert", Args: 1},
	OpBitcast: {Name: "bitcast", Args: 1},
	OpDetach:  {Name: "detach", Args: 1, Class: ClassAny},
	OpExp:     {Name: "exp", Args: 1, Class: ClassFloat, Transc: true},
	OpLog:     {Name: "log", Args: 1, Class: ClassFloat, Transc: true},
	OpSin:     {Name: "sin", Args: 1, Class: ClassFloat, Transc: true},
	OpCos:     {Name: "cos", Args: 1, Class: ClassFloat, Transc: true},
	OpTan:     {Name: "tan", Args: 1, Class: ClassFloat, Transc: true},
	OpAtan2:   {Name: "atan2", Args: 2, Class: ClassFloat, Transc: true},
	OpPow:     {Name: "pow", Args: 2, Class: ClassFloat, Transc: true},
	OpTanh:    {Name: "tanh", Args: 1, Class: ClassFloat, Transc: true},
	OpErf:     {Name: "erf", Args: 1, Class: ClassFloat, Transc: true},
	OpGather:  {Name: "gather", Args: 1},
	OpLoop:    {Name: "loop"},
	OpCall:    {Name: "call"},
	OpResult:  {Name: "result", Args: 1},
}

// Info returns the op's row of the table.
func (op Op) Info() *OpInfo { return &opTable[op] }

// String returns the op's name in the text form.
func (op Op) String() string {
	if op < numOps {
		return opTable[op].Name
	}
	return fmt.Sprintf("op(%d)", uint8(op))
}

// OpByName returns the op with the given name in the text form, or OpInvalid.
func OpByName(name string) Op {
	for op := OpInvalid + 1; op < numOps; op++ {
		if opTable[op].Name == name {
			return op
		}
	}
	return OpInvalid
}

// NumOps is one more than the largest Op: backends size their tables by it.
const NumOps = int(numOps)
