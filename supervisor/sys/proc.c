/* Reading below /proc, and the calls that look at another process without touching it. A process that has ended is a result
 * here, not an error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "sys/sys.h"

/* ---- clocks ---- */

int64_t sys_clock_ns(int clock_id)
{
	struct timespec t;

	if (clock_gettime(clock_id, &t) < 0)
		return 0;
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t sys_monotonic_ns(void)
{
	return sys_clock_ns(CLOCK_MONOTONIC);
}

void sys_sleep_ns(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* ---- files ---- */

static int proc_error(int error, const char *what, const char *path, struct err *err)
{
	switch (error) {
	case ENOENT:
	case ESRCH:
		return SYS_GONE;
	case EACCES:
	case EPERM:
		return SYS_DENIED;
	}
	errno = error;
	return err_set(err, -error, "%s %s: %m", what, path);
}

int sys_read_file(int dir_fd, const char *path, struct text *out, struct err *err)
{
	OWNED_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	char piece[4096];

	out->n = 0;
	if (fd < 0)
		return proc_error(errno, "open", path, err);
	for (;;) {
		ssize_t n = read(fd, piece, sizeof piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return proc_error(errno, "read", path, err);
		text_addn(out, piece, (size_t)n);
		if (n == 0)
			return 0;
	}
}

ssize_t sys_pread_text(int fd, char *buf, size_t cap)
{
	for (;;) {
		ssize_t n = pread(fd, buf, cap - 1, 0);

		if (n >= 0) {
			buf[n] = '\0';
			return n;
		}
		if (errno != EINTR)
			return -errno;
	}
}

int sys_readlink(int dir_fd, const char *path, char *buf, size_t cap, struct err *err)
{
	ssize_t n = readlinkat(dir_fd, path, buf, cap - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? proc_error(errno, "readlink", path, err) : 0;
}

/** A decimal number that fills S and fits an int, or -1. */
static int name_to_number(const char *s)
{
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;

	long value = strtol(s, &end, 10);

	return *end || errno || value > INT32_MAX ? -1 : (int)value;
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

int sys_list_numbers(int dir_fd, const char *path, int_vec *out, struct err *err)
{
	OWNED_FD fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char buf[8192];
	bool ascending = true;

	out->n = 0;
	if (fd < 0)
		return proc_error(errno, "open", path, err);
	for (;;) {
		ssize_t n = getdents64(fd, buf, sizeof buf);

		if (n < 0)
			return proc_error(errno, "list", path, err);
		if (n == 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(buf + at);
			int number = name_to_number(d->d_name);

			at += d->d_reclen;
			if (number < 0)
				continue;
			ascending = ascending && (out->n == 0 || out->at[out->n - 1] < number);
			vec_push(out, number);
		}
	}
	if (!ascending)
		qsort(out->at, out->n, sizeof *out->at, by_number);
	return 0;
}

/* ---- processes ---- */

/** Field N (from 3 on) of a stat line; the name in brackets before may hold anything, so only the last ')' ends it
 *  (proc_pid_stat(5)). NULL when the line is cut off. */
static const char *stat_field(const char *line, int n)
{
	const char *at = strrchr(line, ')');

	for (int field = 2; at && field < n; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at && *at ? at : NULL;
}

uint64_t sys_process_start(pid_t pid, char *state)
{
	char path[32], line[1024];

	if (state)
		*state = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);

	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || sys_pread_text(fd, line, sizeof line) <= 0)
		return 0;

	const char *letter = stat_field(line, 3), *start = stat_field(line, 22);

	if (!letter || !start)
		return 0;
	if (state)
		*state = *letter;
	return strtoull(start, NULL, 10);
}

struct walk {
	process_vec *out;
	struct idmap *seen; /* and skipped ones */
	int_vec tids;
	struct text list;
};

/** Append the children of one thread to W->list's numbers. @return as sys_read_file. */
static int read_children(struct walk *w, pid_t pid, pid_t tid, struct err *err)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, tid);
	return sys_read_file(AT_FDCWD, path, &w->list, err);
}

static bool still_listed(pid_t parent, pid_t tid, pid_t child)
{
	struct walk again = {0};
	bool found = false;

	if (read_children(&again, parent, tid, NULL) == 0) {
		char *at = again.list.at, *end;

		for (long n; at && (n = strtol(at, &end, 10), end != at) && !found; at = end)
			found = n == child;
	}
	text_free(&again.list);
	return found;
}

static void walk_children(struct walk *w, pid_t pid, pid_t tid)
{
	char *at = w->list.at, *end;

	for (long n; at && (n = strtol(at, &end, 10), end != at); at = end) {
		sys_process p = {.pid = (pid_t)n, .parent = pid};

		if (idmap_get(w->seen, (uint64_t)n, NULL))
			continue;
		p.start_ticks = sys_process_start(p.pid, &p.state);
		/* Either it has ended, then the list no longer has it; or hidepid hides it (proc(5)). */
		if (!p.start_ticks && !still_listed(pid, tid, p.pid))
			continue;
		idmap_put(w->seen, (uint64_t)n, 0);
		vec_push(w->out, p);
	}
}

/** The children of all threads of PID. @return 0, SYS_GONE, SYS_DENIED, -errno. */
static int walk_process(struct walk *w, pid_t pid, struct err *err)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/task", pid);

	int rc = sys_list_numbers(AT_FDCWD, path, &w->tids, err);
	bool some = false;

	for (size_t i = 0; rc == 0 && i < w->tids.n; i++) {
		int one = read_children(w, pid, w->tids.at[i], err);

		if (one < 0)
			return one;
		if (one)
			continue; /* that thread has ended, or is refused */
		some = true;
		walk_children(w, pid, w->tids.at[i]);
	}
	return rc ? rc : some ? 0 : SYS_GONE;
}

int sys_descendants(pid_t pid, const pid_t *skip, size_t nskip, process_vec *out, struct err *err)
{
	struct walk w = {.out = out, .seen = idmap_new()};

	out->n = 0;
	idmap_put(w.seen, (uint64_t)pid, 0);
	for (size_t i = 0; i < nskip; i++)
		idmap_put(w.seen, (uint64_t)skip[i], 0);

	int rc = walk_process(&w, pid, err);

	if (rc > 0)
		rc = err_set(err, -ESRCH, "/proc/%d: its children can't be read", pid);
	for (size_t i = 0; rc == 0 && i < out->n; i++) {
		int one = walk_process(&w, out->at[i].pid, err);

		rc = one < 0 ? one : 0; /* one that has ended meanwhile, or is refused, has no more to tell */
	}
	idmap_free(w.seen);
	vec_free(&w.tids);
	text_free(&w.list);
	return rc;
}

/* glibc 2.36 has no functions for these. */

int sys_pidfd_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

int sys_copy_fd(pid_t pid, int fd)
{
	OWNED_FD pidfd = sys_pidfd_open(pid);
	long copy = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (pidfd < 0)
		return pidfd;
	return copy < 0 ? -errno : (int)copy;
}

int sys_kcmp(pid_t a, pid_t b, int type, unsigned long x, unsigned long y)
{
	long order = syscall(SYS_kcmp, a, b, type, x, y);

	return order < 0 ? -errno : (int)order;
}

int sys_read_memory(pid_t pid, uint64_t addr, void *buf, size_t size)
{
	struct iovec local = {buf, size};
	struct iovec remote = {(void *)(uintptr_t)addr, size};
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}
