// The other end of the pipe: takes orders from stdin, a line each, and answers on stdout, a line of integers each.
//
//     throughput SLOTS FOLDER   the nanoseconds of all operations of FOLDER/0.ops behind the first SLOTS
//     latency SLOTS FOLDER      the clock's cost, the longest time, and pairs of a bucket and its count
//     memory SLOTS FOLDER       the resident bytes of the process at most, and at the end
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
	void (*run)(struct job *j);
	int workers;
};

static const struct pass passes[] = {
	{"throughput", throughput, 1},
	{"latency", latency, 1},
	{"memory", memory, 1},
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

int64_t resident(void)
{
	static int status = -1;
	static char text[4096];
	if (status < 0)
		status = open("/proc/self/status", O_RDONLY);
	ssize_t n = pread(status, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = 0;
	const char *at = strstr(text, "\nRssAnon:");
	if (at == NULL)
		fail("/proc/self/status tells no RssAnon");
	return strtoll(at + strlen("\nRssAnon:"), NULL, 10) * 1024;
}

static const struct op *map(const struct job *j, const char *file, size_t *count)
{
	static char name[4200];
	struct stat info;
	snprintf(name, sizeof name, "%s/%s", j->folder, file);
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

static void obey(const char *name, struct job *j)
{
	static const char *const files[] = {"0.ops", "1.ops"};
	for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
		if (strcmp(passes[i].name, name) != 0)
			continue;
		for (int w = 0; w < passes[i].workers; w++) {
			j->ops[w] = map(j, files[w], &j->count);
			if (j->count < j->slots)
				fail("a sequence that does not fill the slots");
			j->count -= j->slots;
		}
		passes[i].run(j);
		return;
	}
	fail("a pass that this program does not know");
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
		if (sscanf(line, "%31s %zu %4095[^\n]", name, &j.slots, folder) != 3)
			fail("an order that is not PASS SLOTS FOLDER");
		j.folder = folder;
		obey(name, &j);
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
