/* Records what a walk through a Python process touches: record PID FILE. The process has to stand still. See walk.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz/walk.h"

struct seen {
	pid_t pid;
	VEC(struct record_page) pages;
};

static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	struct seen *seen = who;
	size_t got = 0;

	for (; got < n; got++) {
		struct record_page page = {.address = address + got * MEMORY_PAGE};
		struct iovec mine = {page.bytes, MEMORY_PAGE}, theirs = {.iov_len = MEMORY_PAGE};

		memcpy(&theirs.iov_base, &page.address, sizeof page.address);
		if (process_vm_readv(seen->pid, &mine, 1, &theirs, 1, 0) != MEMORY_PAGE)
			break;
		memcpy((uint8_t *)buf + got * MEMORY_PAGE, page.bytes, MEMORY_PAGE);
		vec_push(&seen->pages, page);
	}
	return got;
}

static uint64_t address_of(struct elf *e, const char *name, uint64_t bias)
{
	struct elf_symbol s;

	return elf_find(e, name, &s) ? s.value + bias : 0;
}

/** Does the file at PATH, mapped at START from OFFSET on, hold the interpreter? */
static bool find_in(const char *path, uint64_t start, uint64_t offset, struct record_head *h)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *name = strrchr(path, '/') + 1;
	struct elf_symbol runtime;
	struct elf *e = NULL;
	uint64_t bias;
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) < 0 || strlen(name) >= sizeof h->file)
		return false;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED || elf_open(bytes, (size_t)st.st_size, &e, NULL) < 0 || !elf_find(e, "_PyRuntime", &runtime) ||
	    !elf_bias(e, start, offset, &bias))
		return false;
	h->where = (struct python_where){.runtime = runtime.value + bias, .runtime_size = runtime.size,
		.version = address_of(e, "Py_Version", bias), .code_type = address_of(e, "PyCode_Type", bias),
		.coro_type = address_of(e, "PyCoro_Type", bias), .gen_type = address_of(e, "PyGen_Type", bias),
		.async_gen_type = address_of(e, "PyAsyncGen_Type", bias), .method_type = address_of(e, "PyMethod_Type", bias)};
	strcpy(h->file, name);
	if (!python_literal(bytes, (size_t)st.st_size, python_minor_of_name(name), h->literal))
		h->literal[0] = '\0';
	return true; /* the file stays mapped, this program ends soon */
}

static bool find(pid_t pid, struct record_head *h)
{
	char name[64], line[4096];
	bool found = false;
	FILE *maps;

	snprintf(name, sizeof name, "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	while (maps && !found && fgets(line, sizeof line, maps)) {
		unsigned long start, offset;
		char path[4096];

		if (sscanf(line, "%lx-%*x %*s %lx %*s %*s %4095s", &start, &offset, path) == 3 && strstr(path, "python3"))
			found = find_in(path, start, offset, h);
	}
	if (maps)
		fclose(maps);
	return found;
}

static void find_threads(pid_t pid, struct record_head *h)
{
	char name[64];
	DIR *dir;

	snprintf(name, sizeof name, "/proc/%d/task", pid);
	dir = opendir(name);
	for (struct dirent *entry; dir && h->where.ntids < ARRAY_SIZE(h->tids) && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			h->tids[h->where.ntids++] = (pid_t)strtol(entry->d_name, NULL, 10);
	if (dir)
		closedir(dir);
}

static int by_address(const void *a, const void *b)
{
	const struct record_page *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int save(const char *file, struct record_head *h, struct seen *seen)
{
	FILE *out = fopen(file, "we");

	memcpy(h->magic, RECORD_MAGIC, sizeof h->magic);
	h->pages = seen->pages.n;
	qsort(seen->pages.at, seen->pages.n, sizeof *seen->pages.at, by_address);
	if (!out || fwrite(h, sizeof *h, 1, out) != 1 ||
	    fwrite(seen->pages.at, sizeof *seen->pages.at, seen->pages.n, out) != seen->pages.n || fclose(out))
		return 1;
	printf("%s: %zu pages\n", file, seen->pages.n);
	return 0;
}

int main(int argc, char **argv)
{
	struct seen seen = {.pid = argc == 3 ? (pid_t)strtol(argv[1], NULL, 10) : 0};
	struct record_head head = {0};
	struct python_where where;
	struct memory *m;

	if (seen.pid <= 0 || !find(seen.pid, &head)) {
		fprintf(stderr, "record: PID FILE, of a Python process\n");
		return 2;
	}
	find_threads(seen.pid, &head);
	where = record_where(&head);
	m = memory_new(fetch, &seen, 0);
	walk_python(m, &where, WALK_ALL);
	memory_free(m);
	return save(argv[2], &head, &seen);
}
