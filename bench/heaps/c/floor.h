// The floor: what is allocated is what was freed last, so that what is left is the cost of the loop, of the calls and of
// the memory that the blocks' owners touch. Compiled with -DFLOOR only, and as fixed in peers_go.go.

#ifndef FLOOR_H
#define FLOOR_H

#include <stddef.h>
#include <stdlib.h>

void *floor_malloc(size_t size);
void floor_free(void *p);

#define malloc floor_malloc
#define free floor_free

#endif
