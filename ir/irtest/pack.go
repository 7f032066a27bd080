package irtest

import (
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Interpreted returns the memory after all stages of a module, filled by seed and interpreted, with NaN made canonical.
func Interpreted(m *ir.Module, seed uint64) Memory {
	uniforms, mem := Fill(m, seed)
	bits := make([]uint64, len(uniforms))
	for i, u := range m.Uniforms {
		bits[i] = UniformBits(u.Type, uniforms[i])
	}
	InterpretModule(m, bits, mem)
	Canonical(m, mem)
	return mem
}

// Pack lays out elements given by their bits as an executor's buffer holds them, with room behind them that
// vectors may reach into.
func Pack(t ir.Type, bits []uint64) []uint64 {
	raw := make([]uint64, len(bits)+64)
	for i, x := range bits {
		switch at := unsafe.Add(unsafe.Pointer(&raw[0]), i*t.Size()); t.Size() {
		case 1:
			*(*uint8)(at) = uint8(x)
		case 2:
			*(*uint16)(at) = uint16(x)
		case 4:
			*(*uint32)(at) = uint32(x)
		default:
			*(*uint64)(at) = x
		}
	}
	return raw
}

// Unpack reads the elements back.
func Unpack(t ir.Type, raw, bits []uint64) {
	for i := range bits {
		switch at := unsafe.Add(unsafe.Pointer(&raw[0]), i*t.Size()); t.Size() {
		case 1:
			bits[i] = uint64(*(*uint8)(at))
		case 2:
			bits[i] = uint64(*(*uint16)(at))
		case 4:
			bits[i] = uint64(*(*uint32)(at))
		default:
			bits[i] = *(*uint64)(at)
		}
	}
}

// Canonical makes all NaNs equal: their payloads carry no meaning.
func Canonical(m *ir.Module, mem Memory) {
	for b := range mem {
		for i, x := range mem[b] {
			switch m.Buffers[b].Type {
			case ir.F32:
				mem[b][i] = uint64(ir.Bits32(math.Float32frombits(uint32(x))))
			case ir.F64:
				if f := math.Float64frombits(x); f != f {
					mem[b][i] = math.Float64bits(math.NaN())
				}
			}
		}
	}
}
