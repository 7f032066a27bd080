// Package tensor is N-d arrays that remember how they came about: lazy, fused into few kernels, and differentiable to any
// order, on the same programs and the same table of derivatives as everything else. It knows nothing of layers, data or
// files. Start with Engine and Tensor, then grad.go for derivatives and schedule.go for how a graph becomes stages.
//
// A tensor is immutable: a shape, a type, and either its elements or the operation that gives them. Methods only note
// operations; what is needed is computed when a value is read, or by [Engine.Eval]. A [Function] is compiled once and run
// again and again without allocating, and [Variable]s are what changes between its runs.
//
// Reading a tensor keeps little of what lies between it and what was given, and does not forget how it came about, so that
// derivatives can still be asked for. What later rounds of a loop build on should go through [Engine.Eval] or a [Variable]; else
// the graph grows with every round.
//
// Shapes and types are checked at every call. A call that makes no sense panics with an [*Error], which names the call,
// where it stands and the shapes; [Catch] makes an error of it.
package tensor
