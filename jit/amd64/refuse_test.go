package amd64

import (
	"fmt"
	"strings"
	"testing"
)

// refusal returns what a panic said.
func refusal(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return "no refusal"
}

var inRAX = Mem(RAX, 0)

func TestRefusals(t *testing.T) {
	gather := inRAX.Lanes(2, 4)
	for _, row := range []struct {
		in   Inst
		want string
	}{
		{Inst{Op: numOps}, "no instruction"},
		{Inst{Op: 255}, "no instruction 255"},

		{Inst{Op: VADDPS}, "missing"},
		{Inst{Op: KANDW}, "missing"},
		{Inst{Op: VADDPS, RM: K(1)}, "another kind"},
		{Inst{Op: VADDPS, RM: R(RAX)}, "another kind"},
		{Inst{Op: VGATHERDPS, RM: V(1), Mask: 1}, "another kind"},
		{Inst{Op: VMASKMOVPS, RM: V(1)}, "another kind"},
		{Inst{Op: VPSLLD, RM: inRAX}, "another kind"},
		{Inst{Op: VPBROADCASTDR, RM: V(1)}, "another kind"},
		{Inst{Op: VPBROADCASTDR, RM: inRAX}, "another kind"},
		{Inst{Op: VMOVD, RM: V(1)}, "another kind"},
		{Inst{Op: VMOVQStore, RM: V(1)}, "another kind"},
		{Inst{Op: VMOVMSKPS, RM: inRAX}, "another kind"},
		{Inst{Op: KANDW, RM: V(1)}, "another kind"},
		{Inst{Op: KANDW, RM: inRAX}, "another kind"},
		{Inst{Op: KMOVW, RM: R(RAX)}, "another kind"},
		{Inst{Op: KMOVWStore, RM: K(1)}, "another kind"},
		{Inst{Op: KMOVWFromReg, RM: K(1)}, "another kind"},
		{Inst{Op: KMOVWToReg, RM: R(RAX)}, "another kind"},

		{Inst{Op: VSQRTPS, Src: 1, RM: V(1)}, "too many"},
		{Inst{Op: KNOTW, Src: 1, RM: K(1)}, "too many"},
		{Inst{Op: VGATHERDPS, Src: 1, RM: gather, Mask: 1}, "too many"},
		{Inst{Op: VADDPS, RM: V(1), Imm: 1}, "too many"},
		{Inst{Op: VBLENDVPS, RM: V(1), Imm: 0x11}, "times 16"},

		{Inst{Op: VADDPS, Reg: 32, RM: V(1)}, "no such register"},
		{Inst{Op: VADDPS, Src: 32, RM: V(1)}, "no such register"},
		{Inst{Op: VPSLLD, Reg: 32, RM: V(1)}, "no such register"},
		{Inst{Op: VCMPPS, Reg: 8, RM: V(1)}, "no such register"},
		{Inst{Op: VMOVMSKPS, Reg: 16, RM: V(1)}, "above 15"},
		{Inst{Op: KANDW, Reg: 8, RM: K(1)}, "no such register"},
		{Inst{Op: KANDW, Src: 8, RM: K(1)}, "no such register"},
		{Inst{Op: KMOVWToReg, Reg: 16, RM: K(1)}, "above 15"},

		{Inst{Op: VADDPS, RM: gather}, "vector of indices"},
		{Inst{Op: VGATHERDPS, RM: inRAX, Mask: 1}, "vector of indices"},
		{Inst{Op: VSCATTERDPS, RM: inRAX.Index(RCX, 4), Mask: 1}, "vector of indices"},

		{Inst{Op: VMOVAPS, RM: inRAX.Broadcast()}, "no broadcast"},
		{Inst{Op: VMOVUPSStore, RM: inRAX.Broadcast()}, "no broadcast"},
		{Inst{Op: VINSERTF64X4, Width: W512, RM: inRAX.Broadcast()}, "no broadcast"},
		{Inst{Op: VBROADCASTSS, RM: inRAX.Broadcast()}, "no broadcast"},
		{Inst{Op: VGATHERDPS, RM: gather.Broadcast(), Mask: 1}, "no broadcast"},

		{Inst{Op: VADDPS, Width: 3, RM: V(1)}, "no such width"},
		{Inst{Op: VADDPS, Width: 12, RM: V(1)}, "no such width"},
		{Inst{Op: VBROADCASTSD, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VPERMPS, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VPERMPD, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VINSERTF64X4, Width: W256, RM: V(1)}, "no such width"},
		{Inst{Op: VEXTRACTF64X4, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VINSERTF128, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VEXTRACTF128, Width: W128, RM: V(1)}, "no such width"},
		{Inst{Op: VMOVD, Width: W256, RM: R(RAX)}, "no such width"},
		{Inst{Op: VMOVDStore, Width: W512, RM: inRAX}, "no such width"},
		{Inst{Op: VMOVQStore, Width: W256, RM: inRAX}, "no such width"},
		{Inst{Op: KNOTW, Width: W256, RM: K(1)}, "no such width"},
		{Inst{Op: KANDW, Width: W512, RM: K(1)}, "no such width"},
		{Inst{Op: KMOVWToReg, Width: W256, RM: K(1)}, "no such width"},

		{Inst{Op: VROUNDPS, Width: W512, RM: V(1)}, "no 512 bits"},
		{Inst{Op: VPAND, Width: W256, RM: V(16)}, "above 15"},
		{Inst{Op: VPAND, Width: W256, Reg: 16, RM: V(1)}, "above 15"},
		{Inst{Op: VPAND, Width: W256, Src: 31, RM: V(1)}, "above 15"},
		{Inst{Op: VGATHERDPSV, Src: 1, RM: inRAX.Lanes(16, 4)}, "above 15"},
		{Inst{Op: VPAND, Width: W256, RM: inRAX.Broadcast()}, "broadcasts"},
		{Inst{Op: VPAND, Width: W256, RM: V(1), Mask: 1}, "masks"},
		{Inst{Op: KANDW, RM: K(1), Mask: 1}, "masks"},

		{Inst{Op: VADDPS, RM: V(1), Mask: 8}, "no such mask"},
		{Inst{Op: VADDPS, RM: V(1), Zero: true}, "zeroing"},
		{Inst{Op: VPAND, RM: V(1), Zero: true}, "zeroing"},
		{Inst{Op: VMOVUPSStore, RM: inRAX, Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VCOMPRESSPS, RM: inRAX, Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VCVTPS2PH, RM: inRAX, Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VCMPPS, RM: V(1), Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VGATHERDPS, RM: gather, Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VSCATTERDPS, RM: gather, Mask: 1, Zero: true}, "zeroing"},
		{Inst{Op: VMOVD, RM: R(RAX), Mask: 1}, "no mask"},
		{Inst{Op: VMOVQStore, RM: inRAX, Mask: 1}, "no mask"},

		{Inst{Op: VGATHERDPS, RM: gather}, "needs a mask"},
		{Inst{Op: VSCATTERDPD, RM: gather}, "needs a mask"},
		{Inst{Op: VGATHERDPS, Width: W512, Reg: 2, RM: gather, Mask: 1}, "different registers"},
		{Inst{Op: VGATHERDPDV, Reg: 2, Src: 3, RM: gather}, "different registers"},
		{Inst{Op: VGATHERDPSV, Reg: 3, Src: 3, RM: gather}, "different registers"},
		{Inst{Op: VGATHERDPSV, Reg: 3, Src: 2, RM: gather}, "different registers"},
	} {
		c := Code{}
		if got := refusal(func() { c.Emit(row.in) }); !strings.HasPrefix(got, "amd64: ") || !strings.Contains(got, row.want) {
			t.Errorf("%+v: %s, want a refusal: %s", row.in, got, row.want)
		}
		if len(c.Bytes) != 0 {
			t.Errorf("%+v: refused, but bytes were written", row.in)
		}
	}
}

func TestOperandRefusals(t *testing.T) {
	for i, row := range []struct {
		operand func() RM
		want    string
	}{
		{func() RM { return V(32) }, "no such register"},
		{func() RM { return K(8) }, "no such register"},
		{func() RM { return R(16) }, "no such register"},
		{func() RM { return Mem(16, 0) }, "no such register"},
		{func() RM { return inRAX.Index(RSP, 1) }, "cannot be an index"},
		{func() RM { return inRAX.Index(16, 1) }, "cannot be an index"},
		{func() RM { return inRAX.Lanes(32, 1) }, "no such register"},
		{func() RM { return inRAX.Index(RCX, 0) }, "scale"},
		{func() RM { return inRAX.Index(RCX, 3) }, "scale"},
		{func() RM { return inRAX.Index(RCX, 16) }, "scale"},
		{func() RM { return inRAX.Lanes(2, 6) }, "scale"},
		{func() RM { return inRAX.Index(RCX, 4).Index(RDX, 1) }, "has an index"},
		{func() RM { return inRAX.Index(RCX, 4).Lanes(2, 1) }, "has an index"},
		{func() RM { return V(1).Index(RCX, 4) }, "not memory"},
		{func() RM { return R(RAX).Lanes(1, 4) }, "not memory"},
		{func() RM { return RM{}.Index(RCX, 4) }, "not memory"},
		{func() RM { return V(1).Broadcast() }, "not memory"},
		{func() RM { return V(1).Plus(4) }, "not memory"},
	} {
		if got := refusal(func() { row.operand() }); !strings.HasPrefix(got, "amd64: ") || !strings.Contains(got, row.want) {
			t.Errorf("row %d: %s, want a refusal: %s", i, got, row.want)
		}
	}
}

func TestGeneralRefusals(t *testing.T) {
	c := &Code{}
	for i, row := range []struct {
		emit func()
		want string
	}{
		{func() { c.Load(Size8, RAX, RM{}) }, "neither"},
		{func() { c.Load(Size8, RAX, V(1)) }, "neither"},
		{func() { c.Load(Size8, RAX, K(1)) }, "neither"},
		{func() { c.Load(Size8, RAX, inRAX.Broadcast()) }, "neither"},
		{func() { c.Load(Size8, RAX, inRAX.Lanes(1, 4)) }, "neither"},
		{func() { c.Load(Size8, 16, inRAX) }, "no such register"},
		{func() { c.Load(2, RAX, inRAX) }, "no such size"},
		{func() { c.Store(0, inRAX, RCX) }, "no such size"},
		{func() { c.AddImm(1, inRAX, 1) }, "no such size"},
		{func() { c.AddImm(Size8, V(1), 1) }, "neither"},
		{func() { c.AddImm(Size8, RM{}, 1) }, "neither"},
		{func() { c.StoreImm(Size4, K(1), 1) }, "neither"},
		{func() { c.LoadImm(16, 1) }, "no such register"},
		{func() { c.StoreByte(inRAX, RSP) }, "no byte"},
		{func() { c.StoreByte(inRAX, RBP) }, "no byte"},
		{func() { c.StoreByte(inRAX, RSI) }, "no byte"},
		{func() { c.StoreByte(inRAX, RDI) }, "no byte"},
		{func() { c.StoreByte(R(RSI), RAX) }, "not memory"},
		{func() { c.StoreWord(R(RSI), RAX) }, "not memory"},
		{func() { c.LoadAddress(RAX, R(RSI)) }, "not memory"},
		{func() { c.JumpTo(16) }, "no such register"},
		{func() { c.JumpIf(16, 0) }, "no such condition"},
		{func() { c.AddressOf(16, 0) }, "no such register"},
		{func() { c.Jump(0) }, "no such label"},
		{func() { c.JumpIf(Equal, -1) }, "no such label"},
		{func() { c.AddressOf(RAX, 1) }, "no such label"},
		{func() { c.Place(2) }, "no such label"},
	} {
		if got := refusal(row.emit); !strings.HasPrefix(got, "amd64: ") || !strings.Contains(got, row.want) {
			t.Errorf("row %d: %s, want a refusal: %s", i, got, row.want)
		}
		if len(c.Bytes) != 0 {
			t.Errorf("row %d: refused, but bytes were written", i)
			c.Reset()
		}
	}
}
