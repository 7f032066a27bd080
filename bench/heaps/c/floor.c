#ifdef FLOOR

#include "work.h"

#define MEAN 4096          // more than the mean size of a block
#define LARGEST (1 << 20)  // more than any block has
#define BYTES ((size_t)20000 * MEAN + LARGEST)

static _Thread_local char *bytes, *next;
static _Thread_local void *last;

void floor_free(void *p)
{
	last = p;
}

void *floor_malloc(size_t size)
{
	void *p = last;
	last = NULL;
	if (p != NULL)
		return p;
	if (bytes == NULL)
		next = bytes = pages(BYTES);
	if (next + LARGEST > bytes + BYTES)
		next = bytes;
	p = next;
	next += (size + 15) & ~(size_t)15;
	return p;
}

#endif
