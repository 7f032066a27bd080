package scene

// seat is where a block's field lies in a scene: to look it up by its path
// takes longer than to move it, and allocates.
type seat struct {
	path    string
	field   any        // a pointer to it
	derived bool       // see leaf
	own     []*float64 // the numbers that the path names
	moved   []*float64 // those that change when the block moves
	pose    *Pose      // that a rotation is part of
}

// seat looks the block's field up.
func (b *Block) seat(s *Scene) seat {
	l := b.leaf(s)
	at := seat{path: l.path, field: l.v.Addr().Interface(), derived: l.derived, own: l.floats()}
	at.moved = at.own
	if b.Kind == KindRotation {
		if at.pose = s.poseOf(l.path); at.pose != nil {
			at.moved = at.pose.floats()
		}
	}
	if b.component >= 0 && b.Kind != KindPerPixel {
		at.own = at.own[b.component : b.component+1]
	}
	return at
}

// seatsOf looks the fields of blocks up.
func seatsOf(blocks []Block, s *Scene) []seat {
	seats := make([]seat, len(blocks))
	for i := range blocks {
		seats[i] = blocks[i].seat(s)
	}
	return seats
}

// Copy returns the same parameters at a copy of the scene, for RetractTo.
func (v *Vector) Copy() *Vector { return v.At(v.scene.Clone()) }

// RetractTo moves to, which is a Copy of v or of where such copies were moved
// to, to v moved by delta, as Retract does. It changes to's scene, and
// allocates nothing.
func (v *Vector) RetractTo(to *Vector, delta []float64) {
	for i := range v.seats {
		for k, x := range v.seats[i].moved {
			*to.seats[i].moved[k] = *x
		}
	}
	for i := range v.blocks {
		b := &v.blocks[i]
		b.retractAt(&to.seats[i], delta[b.Offset:b.Offset+b.Dofs])
	}
}

// AppendNumbers appends the parameters' numbers, one after the other as
// Scene.Get has them, per-pixel parameters not counted.
func (v *Vector) AppendNumbers(x []float64) []float64 {
	for i := range v.seats {
		if v.blocks[i].Kind == KindPerPixel {
			continue
		}
		for _, p := range v.seats[i].own {
			x = append(x, *p)
		}
	}
	return x
}
