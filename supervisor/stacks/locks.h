/* Private to stacks/: the locks of all processes of a reading, joined. */
#ifndef TRACEWRAP_STACKS_LOCKS_H
#define TRACEWRAP_STACKS_LOCKS_H

#include "model/model.h"
#include "python/python.h"

/** A thread, in the order of its process's stacks. */
struct lock_thread {
	pid_t inner;    /* its tid as its own PID namespace has it; 0: not known */
	long python;    /* index of its Python thread state; -1: it has none */
	bool in_futex;  /* blocked in futex(2), by proc_pid_syscall(5); the rest is only then */
	uint64_t stack_pointer;
	struct futex_call call;
};

/** A process, read. */
struct lock_process {
	pid_t pid;
	struct memory *memory;
	struct python *python; /* NULL: none */
	const struct python_thread *states;
	size_t nstates;
	const struct lock_thread *threads; /* as many as stacks->threads */
	const char *maps;                  /* text of /proc/PID/maps */
	size_t maps_len;
	struct process_stacks *stacks;     /* its frames are there; its threads' locks are filled in */
};

/** The arguments of a system call -> is it a wait that a lock may be behind? */
bool locks_futex(const uint64_t args[6], struct futex_call *out);
/** Fill in the locks of all threads of ALL, in ARENA. Frames must not be moved afterwards: owners point to them. */
void stacks_locks(struct arena *arena, const struct lock_process *all, size_t n);

#endif
