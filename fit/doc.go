// Package fit turns photographs into a fitted scene: loss, gradient, step,
// write back, then error bars and a report. It must not know how light is
// computed, how derivatives are taken or how code is run; it asks render for
// images and Jacobians, optim for steps, and scene for what may move.
// Start reading at Run in fit.go, which is the story, then level.go (images
// against targets), cost.go (normal equations) and statistics.go.
package fit
