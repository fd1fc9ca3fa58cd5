/* shim: the preload library, as its own files see it.
 *
 * It runs inside other people's programs: in signal handlers, between fork and exec of threaded programs, in children of vfork, below
 * any C library. So: raw system calls, own strings, no allocation, no lock, errno as it was. What it keeps (struct shim) is written by
 * the constructor, and after a fork by the child, which has a copy of its own; each call keeps the rest on its stack. There is
 * nothing that a call interrupting another could find half done, so no guard against recursion is needed.
 *
 * The three symbols that it takes from elsewhere are in glibc and in musl: environ, __errno_location, dl_iterate_phdr.
 */
#ifndef TRACEWRAP_PRELOAD_SHIM_H
#define TRACEWRAP_PRELOAD_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "preload/wire.h"

#define EXPORT __attribute__((visibility("default")))

struct shim {
	struct wire_file *ring; /* NULL: nobody listens, or this process may not tell */
	bool elsewhere; /* in another pid namespace: silent, but what we exec gets the library */
	bool known;     /* the paths are */
	pid_t pid;      /* whose this is: not that of a child of vfork, nor of one that was made behind our back (clone(2)) */
	char events[WIRE_PATH_MOST], library[WIRE_PATH_MOST];
};
extern struct shim shim;

/* ---- the kernel ---- */

/** A system call. @return its result, or -errno; errno itself stays. */
static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long rc;

	__asm__ volatile("syscall" : "=a"(rc) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return rc;
}
#define SYS_ARGS(n, a, b, c, d, e, f, ...) sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(...) SYS_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

extern int *__errno_location(void);
/** What a wrapped function of libc returns for RC of sys(). */
static inline int libc_result(long rc)
{
	if (rc >= 0)
		return (int)rc;
	*__errno_location() = (int)-rc;
	return -1;
}
/** The errno of a call that has returned RC. */
static inline int error_of(int rc)
{
	return rc < 0 ? *__errno_location() : 0;
}

/* ---- words.c ---- */

size_t word_len(const char *s);
bool word_begins(const char *s, const char *with);
bool word_same(const char *a, const char *b, size_t n);
/** Does S of N bytes end with WITH? */
bool word_ends(const char *s, size_t n, const char *with);
char *word_put(char *to, const char *s, size_t n); /* @return behind it */
char *word_hex(char *to, uint64_t value);
/** Reads up to anything else. @return where that is; S itself: no number. */
const char *word_read_hex(const char *s, uint64_t *value);

/* ---- ring.c ---- */

#define NO_POSITION UINT64_MAX

struct told {
	uint32_t kind;
	int fd, error;
	int64_t value;
	uint64_t extra;
	const char *text;
	size_t len;
};
/** Map the file of events; quietly nothing when it is not one of ours. */
void ring_open(void);
/** Write an event. @return its position, NO_POSITION: nobody listens, or no room. */
uint64_t tell(const struct told *t);
#define TELL(k, ...) tell(&(const struct told){.kind = (k), __VA_ARGS__})
static inline bool telling(void)
{
	return shim.ring != NULL;
}

/* ---- hide.c: our variables out of the environment ---- */

enum own { OWN_NONE, OWN_SHIM, OWN_PAD, OWN_PRELOAD, OWN_ASAN };

/** Whose is the variable S? *USERS: how much of it is the user's, 0 when all is ours. */
enum own own_part(const char *s, size_t *users);
/** Take ours out of `environ`. ON_STACK: it is still the array that the kernel made, with the auxiliary vector behind it. */
void hide(bool on_stack);

/* ---- dress.c: and into that of a new image ---- */

enum { DRESS_MOST = 32 * 1024 }; /* stack that we take: threads of musl have 128 KiB */

struct dress {
	char *const *env; /* as the user gave it */
	bool add;         /* false: only take ours out */
	bool fault;       /* ENV or the file is no address of this process: the call will say so, nobody else looks at it */
	size_t n, room;   /* room 0: ENV can stay as it is */
};
/** No address of a program (x86-64: Documentation/arch/x86/x86_64/mm.rst), but a number that tests of bad arguments pass. NULL is none. */
static inline bool wild(const void *p)
{
	return p && ((uintptr_t)p < 4096 || (uintptr_t)p >> 47);
}
/** May an image run with the library? FD and FILE as of openat(2); SEARCH: FILE is looked for in PATH. */
struct dress dress_plan(char *const env[], int fd, const char *file, bool search);
/** The environment for it, in MEM of d->room bytes. */
char **dress(const struct dress *d, char *mem, uint64_t token);

/* ---- spawn.c ---- */

struct spawn { /* the arguments of posix_spawn(3) */
	pid_t *pid;
	const char *file;
	const void *actions, *attr;
	char *const *argv, *const *env;
	bool search;
};
int spawn_image(const struct spawn *s);

/* ---- fork.c ---- */

void forked(pid_t parent, pid_t pid);
/** Go silent when this process is the first of another pid namespace: no parent is to be seen from there (pid_namespaces(7)). */
void stay_in_space(void);
/** Is PID, this process, the one that is known, or a child of it that shares or has copied what we keep? Any other was made behind our
 *  back, and perhaps into another pid namespace: nobody hears from it. */
bool own_number(pid_t pid);
/** Such a one: are its numbers those of the supervisor? /proc is still the supervisor's wherever the library is to be had. */
bool other_space(pid_t pid);

/* ---- next.c: the functions behind ours ---- */

#define NEXT_NAMES(X)                                                                                                                  \
	X(fork) X(_Fork) X(forkpty) X(daemon) X(execvpe) X(fexecve) X(posix_spawn) X(posix_spawnp) X(system) X(popen) X(pclose)        \
	X(fdopen) X(fclose) X(posix_spawn_file_actions_init) X(posix_spawn_file_actions_destroy)                                       \
	X(posix_spawn_file_actions_adddup2) X(posix_spawn_file_actions_addclose) X(posix_spawnattr_init)                               \
	X(posix_spawnattr_setsigmask) X(posix_spawnattr_setsigdefault) X(posix_spawnattr_setflags) X(posix_spawnattr_destroy)          \
	X(bind) X(listen) X(setitimer) X(alarm) X(ualarm) X(timer_create) X(prctl) X(setenv) X(putenv) X(unsetenv) X(clearenv)         \
	X(exit) X(_exit) X(_Exit) X(quick_exit) X(syscall)

enum next_name {
#define X(name) NEXT_##name,
	NEXT_NAMES(X)
#undef X
	NEXT_COUNT,
};

/** Look all of them up, once: later, in a signal handler or a child of a threaded fork, it would be too late for that. */
void next_find(void);
/** NULL: there is none. */
void *next_of(enum next_name name);
/** libc's syscall(2), for where C can't be written. */
extern void *next_syscall;
#define NEXT(name) ((__typeof__(&name))next_of(NEXT_##name))

#endif
