// Package study compares ways to manage memory: it records what a program allocates, reads such recordings and those of
// the malloc lab of CS:APP, plays them to allocators that each follow one textbook policy, and measures what every one
// loses in time and in space.
//
// It must not know what the memory is for, and the product does not allocate from here. Start with [Policy] and the table
// behind [Kinds] (policy.go), then [Replay] (replay.go).
package study
