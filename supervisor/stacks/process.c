/* A process: its threads, its memory map, and whether a thread ran while it was looked at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "stacks/state.h"

/* ---- memory ---- */

/** memory_fetch: one piece a page, so that what comes before an unreadable page is had (process_vm_readv(2), "Partial
 *  transfers"). */
static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	pid_t pid = *(const pid_t *)who;
	struct iovec local = {buf, n * MEMORY_PAGE}, remote[MEMORY_AHEAD];

	if (n > MEMORY_AHEAD)
		n = MEMORY_AHEAD;
	for (size_t i = 0; i < n; i++)
		remote[i] = (struct iovec){(void *)(uintptr_t)(address + i * MEMORY_PAGE), MEMORY_PAGE};

	ssize_t got = process_vm_readv(pid, &local, 1, remote, n, 0);

	return got < 0 ? 0 : (size_t)got / MEMORY_PAGE;
}

static bool may_read(struct process_read *p)
{
	char byte;

	for (size_t i = 0; i < p->maps.n; i++)
		if (p->maps.at[i].readable && *p->maps.at[i].path != '[')
			return sys_read_memory(p->pid, p->maps.at[i].start, &byte, 1) == 0;
	return false;
}

/* ---- opening ---- */

static bool read_maps(struct process_read *p)
{
	struct mapping m;
	int rc = sys_read_file(p->dir_fd, "maps", &p->maps_text, NULL);

	if (rc == SYS_DENIED)
		p->out->why = "tracewrap may not look into it: another user's process, or one that has more rights";
	else if (rc != 0)
		p->out->why = "it has ended";
	if (rc != 0)
		return false;
	for (struct cursor c = {text_str(&p->maps_text), p->maps_text.n}; parse_next_mapping(&c, &m);)
		vec_push(&p->maps, m);
	if (!p->maps.n)
		p->out->why = "it has ended"; /* a zombie */
	return p->maps.n > 0;
}

/** What T is called in the process's own PID namespace. */
static pid_t inner_of(const struct process_read *p, const char *path, pid_t tid, int *levels)
{
	OWNED_TEXT text = {0};
	pid_t inner;

	if (sys_read_file(p->dir_fd, path, &text, NULL) != 0 || parse_nspid(text_str(&text), text.n, &inner, levels) != 0)
		return tid;
	return inner;
}

static bool list_threads(struct process_read *p)
{
	int_vec tids = {0};
	int levels = 1;

	p->inner = inner_of(p, "status", p->pid, &levels);
	if (sys_list_numbers(p->dir_fd, "task", &tids, NULL) == 0)
		p->threads = arena_array(p->arena, tids.n, sizeof *p->threads);
	else
		tids.n = 0;
	p->nthreads = tids.n;
	for (size_t i = 0; i < tids.n; i++) {
		struct thread_read *t = &p->threads[i];
		char path[48];

		t->tid = tids.at[i];
		t->inner = t->tid;
		t->service_fd = -1;
		(void)snprintf(path, sizeof path, "task/%d/status", t->tid);
		if (levels > 1)
			t->inner = inner_of(p, path, t->tid, &levels);
	}
	vec_free(&tids);
	return p->nthreads > 0;
}

bool process_open(struct process_read *p)
{
	char path[32];
	pid_t *pid = arena_memdup(p->arena, &p->pid, sizeof p->pid);

	(void)snprintf(path, sizeof path, "/proc/%d", p->pid);
	p->dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0 || !list_threads(p)) {
		p->out->why = "it has ended";
		return false;
	}
	if (!read_maps(p))
		return false;
	if (!may_read(p)) {
		p->out->why = "tracewrap may not read its memory: another user's process, or one that has more rights";
		return false;
	}
	p->memory = memory_new(fetch, pid, p->opt->most_pages);
	return true;
}

void process_close(struct process_read *p)
{
	memory_free(p->memory);
	vec_free(&p->maps);
	text_free(&p->maps_text);
	fd_closep(&p->dir_fd);
}

/* ---- looking up ---- */

const struct mapping *mapping_at(const struct process_read *p, uint64_t address)
{
	size_t low = 0, high = p->maps.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->maps.at[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->maps.n && p->maps.at[low].start <= address ? &p->maps.at[low] : NULL;
}

struct thread_read *thread_by_inner(const struct process_read *p, pid_t inner)
{
	for (size_t i = 0; i < p->nthreads; i++)
		if (p->threads[i].inner == inner)
			return &p->threads[i];
	return NULL;
}

/* ---- did it run? ---- */

/** A file of a thread, opened anew each time: there are more threads than we may have descriptors. @return bytes; TEXT is "" for
 *  none. */
static size_t read_of_thread(const struct process_read *p, const struct thread_read *t, const char *name, char *text, size_t size)
{
	char path[48];
	ssize_t n = -1;

	(void)snprintf(path, sizeof path, "task/%d/%s", t->tid, name);

	OWNED_FD fd = openat(p->dir_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		n = sys_pread_text(fd, text, size);
	if (n < 0)
		*text = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/** How often T was put on a CPU. @return false: it has ended. */
static bool read_runs(const struct process_read *p, const struct thread_read *t, uint64_t *runs)
{
	char text[128];
	struct schedstat s;
	size_t n = read_of_thread(p, t, "schedstat", text, sizeof text);

	if (!n || parse_schedstat(text, n, &s) != 0)
		return false;
	*runs = s.runs;
	return true;
}

void thread_before(const struct process_read *p, struct thread_read *t)
{
	size_t n;

	if (!read_runs(p, t, &t->runs)) {
		t->quality = STACK_NONE;
		t->why = "it has ended";
		t->settled = true;
		return;
	}
	n = read_of_thread(p, t, "syscall", t->call_text, sizeof t->call_text);
	t->has_call = n && parse_syscall(t->call_text, n, &t->call) == 0 && !t->call.running;
}

bool thread_moved(const struct process_read *p, const struct thread_read *t)
{
	char text[sizeof t->call_text];
	uint64_t runs;

	if (!read_runs(p, t, &runs) || runs != t->runs)
		return true;
	read_of_thread(p, t, "syscall", text, sizeof text);
	/* "running" before and after, and never off the CPU between: it ran. */
	return strcmp(text, t->call_text) != 0 || (*text && !t->has_call);
}
