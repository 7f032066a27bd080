// Package nn is layers, losses and first values of parameters for networks of tensors: what a model is made of, and the
// file that it is kept in. It knows nothing of data or optimizers; its layers only compose operations of package
// tensor, so that they fuse, compile and differentiate, to any order, as those do. Start with Module and Pass, then
// Linear, which is the model of all layers, and CrossEntropy of all losses.
//
// A shape that does not go with a layer panics with a [*tensor.Error], which names the layer, by its path in the
// model, and both shapes; [tensor.Catch] and [tensor.Engine.Compile] make an error of it. Layers are made before a
// function is compiled, not while it is.
package nn
