// Package optim minimises functions: least squares with Levenberg-Marquardt
// (dense, and block-diagonal for per-pixel parameters), smooth functions with
// L-BFGS and Adam, elementwise rules and schedules of their rates, robust
// losses as reweighted least squares, and the error bars that go with an
// optimum. It must not know what the numbers mean: no
// scenes, images or layers, only float64 slices and callbacks.
// Start reading at Problem and LM.Minimize in lm.go.
package optim
