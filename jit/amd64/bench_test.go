package amd64

import "testing"

// mix is what a kernel is made of.
func mix() []Inst {
	return []Inst{
		{Op: VFMADD231PS, Width: W512, Reg: 3, Src: 17, RM: V(9)},
		{Op: VADDPS, Width: W512, Reg: 3, Src: 17, RM: Mem(RSI, 0x1240).Broadcast()},
		{Op: VMOVAPS, Width: W512, Reg: 4, RM: Mem(RDI, 0x440)},
		{Op: VMULPS, Width: W256, Reg: 3, Src: 7, RM: V(9)},
		{Op: VMOVUPSStore, Width: W512, Reg: 4, RM: Mem(RDI, 64).Index(RCX, 4), Mask: 2},
		{Op: VCMPPS, Width: W512, Reg: 4, Src: 3, RM: V(2), Imm: 1},
		{Op: KANDW, Reg: 4, Src: 3, RM: K(2)},
		{Op: VGATHERDPS, Width: W512, Reg: 4, RM: Mem(RAX, 0).Lanes(20, 4), Mask: 1},
	}
}

func emitAll(c *Code, ins []Inst) {
	c.Reset()
	for i := range ins {
		c.Emit(ins[i])
	}
}

func TestEmitDoesNotAllocate(t *testing.T) {
	c, ins := &Code{}, mix()
	emit := func() {
		emitAll(c, ins)
		back, forward := c.NewLabel(), c.NewLabel()
		c.Place(back)
		c.Load(Size8, RAX, Mem(RSP, 8))
		c.AddImm(Size8, R(RCX), 1000)
		c.StoreImm(Size4, Mem(RSP, 8), 1)
		c.JumpIf(Equal, forward)
		c.JumpIf(Less, forward)
		c.Jump(back)
		c.Place(forward)
		c.Return()
	}
	if n := testing.AllocsPerRun(100, emit); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The metric is the time of an instruction. A literal in place of ins[i] costs the time to write its fields.
func BenchmarkEmit(b *testing.B) {
	var ins []Inst
	for range 100 {
		ins = append(ins, mix()...)
	}
	c := &Code{}
	b.ReportAllocs()
	for b.Loop() {
		emitAll(c, ins)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ins)), "ns/inst")
}
