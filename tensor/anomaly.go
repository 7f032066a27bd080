package tensor

import (
	"context"
	"fmt"
	"math"
)

// anomalies finds the operation that first made a NaN of arguments without any: an engine that looks for them computes every
// operation by itself, in order, and looks at the result.
func (e *Engine) anomalies(ctx context.Context, roots []*Tensor) error {
	s := newSchedule(roots, true)
	var all []*Tensor
	for _, t := range s.order {
		if !t.given() && t.kind != &fillKind && t.kind != &iotaKind {
			all = append(all, t)
		}
	}
	if err := e.plans.compute(ctx, e, newSchedule(all, true), all); err != nil {
		return err
	}
	bad := map[*Tensor]bool{}
	for _, t := range s.order {
		if t.buffer == nil || !t.typ.IsFloat() {
			continue
		}
		if bad[t] = hasNaN(t.buffer); bad[t] && t.kind != &leafKind && !anyOf(bad, t.args) {
			return anomalous(t)
		}
	}
	return nil
}

func anyOf(bad map[*Tensor]bool, ts []*Tensor) bool {
	for _, t := range ts {
		if bad[t] {
			return true
		}
	}
	return false
}

func anomalous(t *Tensor) error {
	const text = "the result, %v%v, has a NaN, and no argument has"
	return &Error{Package: "tensor", Call: title(t), Detail: fmt.Sprintf(text, t.typ, t.shape), Site: t.site}
}

func hasNaN(e *elements) bool {
	list := make([]float64, e.Len())
	e.Read(list)
	for _, x := range list {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}
