// What serve.c, the other end of the pipe, and the computation in its program need of each other.

#ifndef SERVE_H
#define SERVE_H

#include <stddef.h>

// The computation:

// load takes what follows the word in an order to load, and receives the numbers.
void load(const char *order);
// compute computes so many times.
void compute(long times);
// result returns the floats of the output.
const float *result(size_t *n);

// The pipe:

// fail ends the program with a word on stderr.
_Noreturn void fail(const char *why);
// array returns zeroed memory whose pages are there already.
float *array(size_t n);
// receive reads raw floats from stdin.
void receive(float *p, size_t n);

#endif
