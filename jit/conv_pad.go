package jit

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// padder copies planes of rows to where they are padded, row by row in whole vectors. What lies outside of a row is
// masked out of the load, so that it becomes +0; rows that do not exist are stored as zeros.
type padder struct {
	t        *target
	width    int // of a padded row
	source   int // of a row
	first    int // the element of the row that the padded row begins with, or below 0
	toStep   int // elements from plane to plane of what is written
	fromStep int // of what is read

	entry, table int // offsets in the code and in a worker's memory
}

// newPadder returns a padder of rows, nil if there is no code for them, and takes room for its masks.
func newPadder(t *target, v, h *slideAxis, width, toStep int, l *convLayout) *padder {
	p := &padder{t: t, width: width, source: h.source, first: h.first, toStep: toStep, fromStep: v.source * h.source}
	if !p.canPad(v, h) {
		return nil
	}
	p.table = l.take(p.tableSize())
	return p
}

// mostPadVectors is how many vectors a padded row has at most: the code has them one after the other.
const mostPadVectors = 24

// canPad tells whether there is code for that: rows without strides, of moderate length.
func (p *padder) canPad(v, h *slideAxis) bool {
	return len(v.phases)*len(h.phases) == 1 && v.step == 1 && h.step == 1 && p.vectors() <= mostPadVectors
}

// padVectors is how many vectors a call copies: ten microseconds where they come from memory.
const padVectors = 2000

func (p *padder) vectors() int { return (p.width + p.t.lanes - 1) / p.t.lanes }

// tableSize is the size of the masks in bytes: of the lanes of each vector that are read, and of those of the last one
// that are written.
func (p *padder) tableSize() int { return (p.vectors() + 1) * p.maskBytes() }

func (p *padder) maskBytes() int { return segmentBytes(p.t) - 8 }

// lanes returns which lanes of a vector exist in a row: from <= lane < to.
func (p *padder) lanes(vector int) (from, to int) {
	at := p.first + vector*p.t.lanes
	end := min(p.t.lanes, p.width-vector*p.t.lanes)
	from, to = max(0, -at), min(end, p.source-at)
	return min(from, end), max(to, min(from, end))
}

// tail is how many lanes of the last vector are written.
func (p *padder) tail() int { return p.width - (p.vectors()-1)*p.t.lanes }

// prepare writes the masks.
func (p *padder) prepare(w *ConvWorker) {
	for v := range p.vectors() {
		from, to := p.lanes(v)
		w.setMask(p.t, p.table+v*p.maskBytes(), from, to)
	}
	w.setMask(p.t, p.table+p.vectors()*p.maskBytes(), 0, p.tail())
}

// setMask writes the mask of the lanes from <= lane < to.
func (w *ConvWorker) setMask(t *target, at, from, to int) {
	if t.width == amd64.W512 {
		w.set(at, 1<<to-1<<from)
		return
	}
	mask := unsafe.Slice((*int32)(unsafe.Add(w.span.Base(), at)), t.lanes)
	for k := from; k < to; k++ {
		mask[k] = -1
	}
}

// What the code finds in the frame, behind what other code has there.
const (
	padTo     = convFrame - 64 + 8*iota
	padFrom   // element 0 of the first row that exists
	padPlanes // at least 1
	padTop    // rows that do not exist, then rows that do, then again
	padMiddle //
	padBottom //
	padMasks  //
)

const (
	padToReg     = amd64.RDX
	padFromReg   = amd64.RSI
	padPlaneReg  = amd64.R8
	padSourceReg = amd64.R9
	padCountReg  = amd64.R11
	padRowsReg   = amd64.R12
	padMasksReg  = amd64.R13

	padZero, padData, padTail, padMask = 0, 1, 2, 3 // vectors, and masks
)

// pad copies planes: of each, rows that are zero, then rows from an address on, then rows that are zero.
func (w *ConvWorker) pad(p *padder, to, from unsafe.Pointer, planes, top, middle, bottom int) {
	w.setAddress(padMasks, unsafe.Add(w.span.Base(), p.table))
	w.set(padTop, top)
	w.set(padMiddle, middle)
	w.set(padBottom, bottom)
	step := max(1, padVectors/((top+middle+bottom)*p.vectors()))
	for plane := 0; plane < planes; plane += step {
		w.setAddress(padTo, unsafe.Add(to, 4*plane*p.toStep))
		w.setAddress(padFrom, unsafe.Add(from, 4*plane*p.fromStep))
		w.set(padPlanes, min(step, planes-plane))
		amd64.Enter(unsafe.Add(w.c.at.code, p.entry), w.span.Base())
	}
}

// padPhases lays out so many rows of a plane, from row first on, padded and by phases, where there is no code for that.
func padPhases(to, plane []float32, v, h *slideAxis, first, rows, planeRows, width int) {
	for _, pv := range v.phases {
		for _, ph := range h.phases {
			for r := range rows {
				var row []float32
				if y := (first+r)*v.step + pv + v.first; y >= 0 && y < v.source {
					row = plane[y*h.source:][:h.source]
				}
				padRow(to[r*width:][:width], row, ph+h.first, h.step)
			}
			to = to[planeRows*width:]
		}
	}
}

// padRow sets element r of a padded row to element first+r*step of a row, +0 outside.
func padRow(to, row []float32, first, step int) {
	begin := 0
	if first < 0 {
		begin = min((-first+step-1)/step, len(to))
	}
	end := begin
	if at := first + begin*step; begin < len(to) && at < len(row) {
		end = min(len(to), begin+(len(row)-at+step-1)/step)
		if step == 1 {
			copy(to[begin:end], row[at:])
		} else {
			for r := begin; r < end; r++ {
				to[r] = row[at]
				at += step
			}
		}
	}
	clear(to[:begin])
	clear(to[end:])
}

// padEmitter writes the code of a padder.
type padEmitter struct {
	*padder
	code  *amd64.Code
	bytes int32
}

func (p *padder) emit(code *amd64.Code) {
	alignTo(code)
	p.entry = len(code.Bytes)
	e := padEmitter{p, code, int32(4 * p.t.lanes)}
	load := func(r amd64.Reg, at int32) { code.Load(amd64.Size8, r, amd64.Mem(frameReg, at)) }
	load(padPlaneReg, padTo)
	load(padSourceReg, padFrom)
	load(padCountReg, padPlanes)
	load(padMasksReg, padMasks)
	e.op(amd64.Inst{Op: amd64.VXORPS, Reg: padZero, Src: padZero, RM: amd64.V(padZero)})
	e.loadMask(padTail, p.vectors())
	plane := code.NewLabel()
	code.Place(plane)
	code.Move(amd64.Size8, padToReg, padPlaneReg)
	code.Move(amd64.Size8, padFromReg, padSourceReg)
	e.rows(padTop, func() { e.row(e.zeros) })
	e.rows(padMiddle, func() {
		e.row(e.copied)
		code.AddImm(amd64.Size8, amd64.R(padFromReg), int32(4*p.source))
	})
	e.rows(padBottom, func() { e.row(e.zeros) })
	code.AddImm(amd64.Size8, amd64.R(padPlaneReg), int32(4*p.toStep))
	code.AddImm(amd64.Size8, amd64.R(padSourceReg), int32(4*p.fromStep))
	code.SubImm(amd64.Size8, amd64.R(padCountReg), 1)
	code.JumpIf(amd64.NotEqual, plane)
	code.Return()
}

func (e *padEmitter) op(in amd64.Inst) {
	in.Width = e.t.width
	e.code.Append(&in)
}

// rows does something for as many rows as the frame says.
func (e *padEmitter) rows(count int32, row func()) {
	next, done := e.code.NewLabel(), e.code.NewLabel()
	e.code.Load(amd64.Size8, padRowsReg, amd64.Mem(frameReg, count))
	e.code.Test(amd64.Size8, amd64.R(padRowsReg), padRowsReg)
	e.code.JumpIf(amd64.Equal, done)
	e.code.Place(next)
	row()
	e.code.SubImm(amd64.Size8, amd64.R(padRowsReg), 1)
	e.code.JumpIf(amd64.NotEqual, next)
	e.code.Place(done)
}

// row stores the vectors of a row and goes to the next.
func (e *padEmitter) row(vector func(v int) (reg uint8)) {
	for v := range e.vectors() {
		in := amd64.Inst{Op: amd64.VMOVUPSStore, Reg: vector(v), RM: amd64.Mem(padToReg, int32(v)*e.bytes)}
		if v == e.vectors()-1 && e.tail() < e.t.lanes {
			if in.Mask = padTail; e.t.width != amd64.W512 {
				in.Op, in.Src, in.Mask = amd64.VMASKMOVPSStore, padTail, 0
			}
		}
		e.op(in)
	}
	e.code.AddImm(amd64.Size8, amd64.R(padToReg), int32(4*e.width))
}

func (e *padEmitter) zeros(int) uint8 { return padZero }

// copied loads a vector of a row.
func (e *padEmitter) copied(v int) uint8 {
	from, to := e.lanes(v)
	in := amd64.Inst{Op: amd64.VMOVUPS, Reg: padData, RM: amd64.Mem(padFromReg, int32(4*(e.first+v*e.t.lanes)))}
	switch {
	case from == to:
		return padZero
	case to-from < e.t.lanes:
		e.loadMask(padMask, v)
		if in.Mask, in.Zero = padMask, true; e.t.width != amd64.W512 {
			in.Op, in.Src, in.Mask, in.Zero = amd64.VMASKMOVPS, padMask, 0, false
		}
	}
	e.op(in)
	return padData
}

func (e *padEmitter) loadMask(to uint8, vector int) {
	at := amd64.Mem(padMasksReg, int32(vector*e.maskBytes()))
	if e.t.width == amd64.W512 {
		e.code.Append(&amd64.Inst{Op: amd64.KMOVW, Reg: to, RM: at})
	} else {
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: to, RM: at})
	}
}

// alignTo fills up to where code may begin.
func alignTo(code *amd64.Code) {
	for len(code.Bytes)%codeAlignment != 0 {
		code.Bytes = append(code.Bytes, 0xcc)
	}
}
