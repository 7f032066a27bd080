package fit

import (
	"encoding/json"
	"math"
)

// Number is a float64 that JSON writes as null where it is not finite: an
// unknown truth (NaN), the standard error of what is not determined (+Inf).
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Finite() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Finite reports whether the number is neither NaN nor infinite.
func (n Number) Finite() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// Event is what a fit tells while it runs: of its kind it has the field. It is
// a plain struct so that to tell a step allocates nothing. It marshals to that
// field's JSON object, which has an "event" field.
type Event struct {
	Kind       EventKind
	Hypothesis Hypothesis
	Step       Step
	Result     *Result // last
}

// EventKind says what an event tells of.
type EventKind string

// The kinds of events.
const (
	StartEvent  EventKind = "start" // a Hypothesis
	StepEvent   EventKind = "step"
	ResultEvent EventKind = "result"
)

// MarshalJSON implements json.Marshaler.
func (e Event) MarshalJSON() ([]byte, error) {
	switch e.Kind {
	case StartEvent:
		return json.Marshal(e.Hypothesis)
	case StepEvent:
		return json.Marshal(e.Step)
	}
	return json.Marshal(e.Result)
}

// Hypothesis is the end of the coarse refinement of one start.
type Hypothesis struct {
	Event   string  `json:"event"` // "start"
	Index   int     `json:"index"` // from 0
	Count   int     `json:"count"`
	Loss    Number  `json:"loss"`
	Best    Number  `json:"best"` // the lowest loss so far
	Seconds float64 `json:"seconds"`
}

// Step is one iteration of the optimizer.
type Step struct {
	Event     string  `json:"event"`     // "step"
	Iteration int     `json:"iteration"` // from 1, over all levels; 0 is the start
	Limit     int     `json:"limit"`     // most iterations there can be
	Loss      Number  `json:"loss"`      // mean over the residuals that count
	Rate      Number  `json:"rate"`      // LM: damping; Adam: rate
	Level     int     `json:"level"`     // pyramid factor
	Accepted  bool    `json:"accepted"`  // whether the point moved
	Seconds   float64 `json:"seconds"`   // since the fit began
}
