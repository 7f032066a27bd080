// The other end of the pipe: takes orders from stdin, a line each, and answers on stdout, a line of integers each.
//
//     throughput N WAIT FOLDER   the nanoseconds of all operations of FOLDER/0.ops after the first N, which fill N slots
//     lifo, fifo                 the same, with the newest or the oldest block freed
//     trace                      the nanoseconds of FOLDER/trace.ops in N slots, and how many operations that were
//     latency                    the clock's cost, the longest time, and pairs of a bucket and its count
//     memory                     the resident bytes of the process at most, and at the end
//     freed                      those when nine of ten blocks are freed and WAIT milliseconds over, and those of live pages
//     exchange                   the nanoseconds of two workers, who free a tenth for each other
//     handover                   the nanoseconds of a worker that allocates and another one that frees
//
// Whatever is wrong ends the program with a word on stderr. Compiled once for each allocator, which is linked in place of
// the C library's; LIBRARY is a part of the name of the file that malloc has to come from.

#define _GNU_SOURCE

#include "work.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct pass {
	const char *name;
	void (*run)(const struct job *j);
	const char *files[2]; // of the workers
};

static const struct pass passes[] = {
	{"throughput", throughput, {"0.ops"}},
	{"lifo", lifo, {"0.ops"}},
	{"fifo", fifo, {"0.ops"}},
	{"latency", latency, {"0.ops"}},
	{"memory", memory, {"0.ops"}},
	{"freed", freed, {"0.ops"}},
	{"exchange", exchange, {"0.ops", "1.ops"}},
	{"handover", handover, {"0.ops"}},
	{"trace", replay, {"trace.ops"}},
};

void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		fail("out of memory");
	return p;
}

static const struct op *map(const char *folder, const char *file, size_t *count)
{
	static char name[4200];
	struct stat info;
	snprintf(name, sizeof name, "%s/%s", folder, file);
	int f = open(name, O_RDONLY);
	if (f < 0 || fstat(f, &info) != 0)
		fail("no such file of operations");
	*count = (size_t)info.st_size / sizeof(struct op);
	void *p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, f, 0);
	if (p == MAP_FAILED)
		fail("the operations cannot be mapped");
	close(f);
	return p;
}

static void obey(const struct pass *p, struct job *j, const char *folder)
{
	for (int w = 0; w < 2 && p->files[w] != NULL; w++) {
		j->filling[w] = j->ops[w] = map(folder, p->files[w], &j->count);
		if (p->run == replay)
			continue; // begins with empty slots
		if (j->count < j->slots)
			fail("a sequence that does not fill the slots");
		j->ops[w] += j->slots;
		j->count -= j->slots;
	}
	p->run(j);
}

static const struct pass *find(const char *name)
{
	for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
		if (strcmp(passes[i].name, name) == 0)
			return &passes[i];
	fail("a pass that this program does not know");
	return NULL;
}

// check ends the program if malloc is not the one that this program is to measure.
static void check(void)
{
	Dl_info info;
	if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0 || strstr(info.dli_fname, LIBRARY) == NULL)
		fail("malloc is not that of " LIBRARY);
}

int main(void)
{
	static char line[4200], name[32], folder[4100], in[1 << 13], out[1 << 13];
	struct job j = {0};
	setvbuf(stdin, in, _IOFBF, sizeof in);
	setvbuf(stdout, out, _IOFBF, sizeof out);
	check();
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (sscanf(line, "%31s %zu %ld %4095[^\n]", name, &j.slots, &j.wait, folder) != 4)
			fail("an order that is not PASS N MILLISECONDS FOLDER");
		obey(find(name), &j, folder);
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
