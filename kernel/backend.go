package kernel

import (
	"fmt"
	"os"

	"golang.org/x/sys/cpu"

	"github.com/baremetaldevx86/microdr/jit"
)

// Backend names what executes lane programs.
type Backend string

// The backends. All give the same bits. Auto is the best one that this machine has; MICRODR_BACKEND names another,
// for those who want to compare.
const (
	Auto   Backend = ""
	Eval   Backend = "eval"   // the portable executor
	AVX2   Backend = "avx2"   // machine code for AVX2, FMA, F16C and BMI1
	AVX512 Backend = "avx512" // machine code for AVX-512 F, BW, DQ and VL
)

// backendVariable is the environment's word on Auto.
const backendVariable = "MICRODR_BACKEND"

// ParseBackend returns the backend of that name.
func ParseBackend(name string) (Backend, error) {
	switch b := Backend(name); b {
	case Auto, Eval, AVX2, AVX512:
		return b, nil
	}
	return Auto, fmt.Errorf("kernel: no backend %q, expected eval, avx2 or avx512", name)
}

// Backends lists what this machine can run, the best first.
func Backends() []Backend {
	var list []Backend
	for _, b := range []Backend{AVX512, AVX2} {
		if b.supported() && jit.Probe() == nil {
			list = append(list, b)
		}
	}
	return append(list, Eval)
}

// supported tells whether this machine has the instructions.
func (b Backend) supported() bool {
	x := &cpu.X86
	avx2 := jit.CanRun && x.HasAVX2 && x.HasFMA && x.HasF16C && x.HasBMI1
	switch b {
	case AVX2:
		return avx2
	case AVX512:
		return avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
	}
	return true
}

// target returns the instruction set of a backend of machine code.
func (b Backend) target() jit.Target {
	if b == AVX2 {
		return jit.AVX2
	}
	return jit.AVX512
}

// resolve returns the backend that serves a wish: the environment's where there is none, and else the best. What was
// asked for by name and can't be had is an error; so is executable memory that the system refuses. Without a wish,
// the portable executor takes over.
func (b Backend) resolve() (Backend, error) {
	from := ""
	if b == Auto {
		var err error
		if b, err = ParseBackend(os.Getenv(backendVariable)); err != nil {
			return Eval, fmt.Errorf("%w in %s", err, backendVariable)
		}
		from = " (" + backendVariable + ")"
	}
	switch {
	case b == Auto:
		return Backends()[0], nil
	case !b.supported():
		return Eval, fmt.Errorf("kernel: this machine has no %s%s", b, from)
	case b == Eval:
		return b, nil
	}
	if err := jit.Probe(); err != nil {
		return Eval, fmt.Errorf("kernel: no machine code for %s%s: %w", b, from, err)
	}
	return b, nil
}
