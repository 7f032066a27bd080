// Package grad turns programs into their derivatives: JVP and VJP emit tangents and adjoints as nodes of the same
// lane program, and Forward, Reverse and Jacobian do it for a module of stages.
// It must not know what the programs mean (no cameras, no losses, no layers) nor how they are run; whatever has
// no derivative is a defined zero, and whatever is not supported is an error, never a silent zero.
// Start with rules.go (the one table), then sweep.go (how it is applied), activity.go (what depends on what),
// loop.go, call.go and implicit.go (the structured parts), and module.go (stages).
package grad
