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

func BenchmarkEmit(b *testing.B) {
	var c Code
	ins := mix()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i&1023 == 0 {
			c.Reset()
		}
		c.Emit(ins[i&7])
	}
}

func BenchmarkOne(b *testing.B) {
	for _, in := range mix() {
		b.Run(forms[in.Op].name, func(b *testing.B) {
			var c Code
			for b.Loop() {
				c.Reset()
				for range 100 {
					c.Emit(in)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/inst")
		})
	}
}
