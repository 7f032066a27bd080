// Package train changes the parameters of models until they do what a set of examples shows: optimizers over tensors,
// one compiled function for a whole step, epochs, and checkpoints that a training continues from bit for bit. It must
// not know which layers a model has, nor where examples come from. Start with Optimizer and its Compile, then Trainer.
package train
