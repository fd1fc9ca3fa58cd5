/* stacks: what the tasks of a process are doing, read from outside: process_vm_readv(2) and /proc alone. Nobody is stopped, traced or
 * signalled: an interrupted write(2) returns a short count, and the hang that was to be shown is gone with its data.
 *
 * A blocked task does not change its own stack. Its schedstat (proc_pid_schedstat: times it ran) and syscall are read before and after;
 * unchanged means that the stack is exact.
 */
#ifndef TRACEWRAP_STACKS_H
#define TRACEWRAP_STACKS_H

#include "model/model.h"

struct stacks_options {
	bool native;       /* native frames, too */
	bool locks;        /* who holds what is waited for */
	bool tasks;        /* async tasks, of processes with a loop on some stack: the longest part, some ten milliseconds a process */
	size_t most_pages; /* of memory to be read, a process; 0: the default, 64 MiB */
	int64_t most_ns;   /* for the tasks of all processes together; 0: the default, 1 s */
};

/** Keeps what is known of files (symbols, tables) from one reading to the next. */
struct stacks;
struct stacks *stacks_new(void);
void stacks_free(struct stacks *st);

/** Read the processes PIDS into ARENA, one row each, in that order. What can't be read says why; nothing here fails as a whole. Locks are
 *  looked for across all of PIDS. */
struct process_stacks *stacks_read(struct stacks *st, struct arena *arena, const pid_t *pids, size_t n, const struct stacks_options *opt);

/** A stretch of the wall clock, in ns since the epoch. */
struct stacks_moment {
	int64_t from_ns, to_ns;
	const char *test; /* out, in the arena: the test that ran all the time between; NULL: none, or not known */
};
/** Fill in which tests ran at AT, all before now, by what PID tells: a pytest that is running tests. Some milliseconds.
 *  @return false: it is none, or can't be read. */
bool stacks_tests(struct stacks *st, struct arena *arena, pid_t pid, struct stacks_moment *at, size_t n);

#endif
