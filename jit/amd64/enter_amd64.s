#include "textflag.h"

// func Enter(code, frame unsafe.Pointer)
//
// The code takes the frame in DI and may change every register but SP, BP and R14. It pushes nothing, so that a fault
// in it unwinds as a call that Enter made.
TEXT ·Enter(SB), NOSPLIT, $0-16
	MOVQ code+0(FP), AX
	MOVQ frame+8(FP), DI
	CALL AX
	RET
