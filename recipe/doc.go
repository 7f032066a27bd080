// Package recipe reads files that say what a model is made of and how it is trained: a list of layers and a few
// numbers, in YAML. It must not know how layers compute or steps are taken, which packages nn and train do, nor where
// images come from. Start with Parse and Recipe; layers.go is the table of layers.
package recipe
