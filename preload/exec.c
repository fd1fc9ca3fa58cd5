/* exec and kin: announced first, for what begins then is another image; its environment lies on the stack of the call. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "preload/shim.h"

enum way { BY_PATH, BY_SEARCH, BY_FD, BY_AT };

struct image {
	enum way way;
	int fd, flags;
	const char *file;
	char *const *argv, *const *env;
};

/** @return only when it failed: -errno. */
static long go(const struct image *m, char *const env[])
{
	int rc = -1;

	switch (m->way) {
	case BY_PATH:
		return sys(SYS_execve, m->file, m->argv, env);
	case BY_AT:
		return sys(SYS_execveat, m->fd, m->file, m->argv, env, m->flags);
	case BY_SEARCH:
		if (!NEXT(execvpe))
			return -ENOSYS;
		rc = NEXT(execvpe)(m->file, m->argv, env);
		break;
	case BY_FD:
		if (!NEXT(fexecve))
			return sys(SYS_execveat, m->fd, "", m->argv, env, AT_EMPTY_PATH);
		rc = NEXT(fexecve)(m->fd, m->argv, env);
		break;
	}
	return -error_of(rc);
}

static uint64_t announce(const struct image *m)
{
	char link[32], name[512];
	const char *text = m->file;
	long len = 0;

	if (!telling())
		return NO_POSITION;
	if (text && *text) {
		len = (long)word_len(text);
	} else if (m->fd >= 0) {
		char *end = word_put(link, "/proc/self/fd/", 14);
		unsigned digits = 1;

		for (unsigned rest = (unsigned)m->fd; rest >= 10; rest /= 10)
			digits++;
		end[digits] = '\0';
		for (unsigned rest = (unsigned)m->fd; digits; rest /= 10)
			end[--digits] = (char)('0' + rest % 10);
		len = sys(SYS_readlink, link, name, sizeof name);
		text = name;
	}
	return TELL(WIRE_EXEC, .fd = (int)sys(SYS_getppid), .text = text, .len = len > 0 ? (size_t)len : 0);
}

static int exec_image(const struct image *m)
{
	int *error = __errno_location(), before = *error;
	struct dress d = dress_plan(m->env, m->way == BY_PATH || m->way == BY_SEARCH ? AT_FDCWD : m->fd, m->file ? m->file : "",
				    m->way == BY_SEARCH);
	char *mapped = dress_map(&d);
	bool dressed = d.room && !d.fault && (mapped || d.room <= DRESS_MOST);
	uint64_t token = d.fault ? NO_POSITION : announce(m);
	long rc = go(m, dressed ? dress(&d, mapped ? mapped : __builtin_alloca(d.room), token) : m->env);

	if (rc == -E2BIG && dressed && d.add) /* ours may have been too much */
		rc = go(m, m->env);
	dress_unmap(&d, mapped);
	*error = before;
	if (token != NO_POSITION)
		TELL(WIRE_EXEC_FAILED, .fd = -1, .value = -rc, .extra = token);
	return libc_result(rc);
}

EXPORT int execve(const char *path, char *const argv[], char *const env[])
{
	return exec_image(&(struct image){.way = BY_PATH, .fd = -1, .file = path, .argv = argv, .env = env});
}

EXPORT int execv(const char *path, char *const argv[])
{
	return exec_image(&(struct image){.way = BY_PATH, .fd = -1, .file = path, .argv = argv, .env = environ});
}

EXPORT int execvpe(const char *file, char *const argv[], char *const env[])
{
	return exec_image(&(struct image){.way = BY_SEARCH, .fd = -1, .file = file, .argv = argv, .env = env});
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return exec_image(&(struct image){.way = BY_SEARCH, .fd = -1, .file = file, .argv = argv, .env = environ});
}

EXPORT int fexecve(int fd, char *const argv[], char *const env[])
{
	return exec_image(&(struct image){.way = BY_FD, .fd = fd, .argv = argv, .env = env});
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const env[], int flags)
{
	return exec_image(&(struct image){.way = BY_AT, .fd = fd, .file = path, .argv = argv, .env = env, .flags = flags});
}

/* ---- words one by one ---- */

static size_t count_words(const char *first, va_list ap)
{
	size_t n = 0;

	for (const char *word = first; word; word = va_arg(ap, char *))
		n++;
	return n;
}

/** Up to and with the NULL. */
static void take_words(char **argv, const char *first, size_t n, va_list ap)
{
	argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; n && i <= n; i++)
		argv[i] = va_arg(ap, char *);
}

/* Its own frame has to hold the words, so it can't be a function. */
#define WORDS(argv, ap, first)                                                                                                         \
	va_list ap;                                                                                                                    \
	va_start(ap, first);                                                                                                           \
	size_t n_##argv = count_words(first, ap);                                                                                      \
	va_end(ap);                                                                                                                    \
	char **argv = __builtin_alloca((n_##argv + 1) * sizeof *argv);                                                                 \
	va_start(ap, first);                                                                                                           \
	take_words(argv, first, n_##argv, ap)

EXPORT int execl(const char *path, const char *arg, ...)
{
	WORDS(argv, ap, arg);
	va_end(ap);
	return execv(path, argv);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	WORDS(argv, ap, arg);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	WORDS(argv, ap, arg);
	char *const *env = va_arg(ap, char *const *);

	va_end(ap);
	return execve(path, argv, (char **)(uintptr_t)env);
}
