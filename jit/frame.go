package jit

import "github.com/baremetaldevx86/microdr/jit/amd64"

// Generated code finds everything through two registers: the frame of the worker that runs it, and the environment,
// which is what all lanes of a launch read. Neither moves while it runs. RSP, RBP and R14 are Go's and stay as they are:
// a fault then looks to Go like a fault of the trampoline, which it can turn into a panic.
const (
	frameReg  = amd64.RDI
	envReg    = amd64.RSI
	laneReg   = amd64.R8  // number of the group's first lane
	endReg    = amd64.R9  // one past the last lane to run
	budgetReg = amd64.RBX // what this call may still do, in the units of cost.go

	scratch0 = amd64.RAX
	scratch1 = amd64.RCX
	scratch2 = amd64.RDX
	scratch3 = amd64.R10
)

// The head of a frame. Behind it lie the slots of spilled values and, last, what a call that ran out of its budget
// leaves for the next one.
const (
	frameLane   = 0  // uint64
	frameEnd    = 8  // uint64
	frameBudget = 16 // int64
	frameResume = 24 // address to go on at, 0: the next group of lanes
	frameEnv    = 32 // address of the environment
	frameRun    = 64 // masks of the lanes that run, one for each unit, vectorSlot apart
	frameSlots  = frameRun + maxUnits*vectorSlot
)

// maxUnits is the largest number of vectors of lanes that run interleaved.
const maxUnits = 2

// A buffer's entry in the environment: address, length or 2^31 if it is longer (no index reaches beyond), and of one
// that holds accumulators the lane that they begin with.
const (
	bufferAddress = 0
	bufferLen     = 8
	bufferFirst   = 12
	bufferSize    = 16
)

// The address of index and values of a scatter_add.
const (
	pairIndex  = 0
	pairValues = 8
	pairSize   = 16
)
