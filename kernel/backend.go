package kernel

import (
	"fmt"
	"os"
)

// Backend names what executes lane programs.
type Backend string

// The backends. All give the same bits. Auto is the best one that this machine has; MICRODR_BACKEND names another,
// for those who want to compare.
const (
	Auto   Backend = ""
	Eval   Backend = "eval"   // the portable executor
	AVX2   Backend = "avx2"   // machine code for AVX2, FMA and F16C
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

// resolve returns the backend that serves a wish: the environment's where there is none, and else the best.
func (b Backend) resolve() (Backend, error) {
	if b == Auto {
		var err error
		if b, err = ParseBackend(os.Getenv(backendVariable)); err != nil {
			return Eval, fmt.Errorf("%w in %s", err, backendVariable)
		}
	}
	return Eval, nil
}
