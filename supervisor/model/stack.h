/* Part of model.h: what a process does, as its own memory tells: stacks, locks, async tasks. Plain data in the snapshot's arena; strings
 * are made fit to be shown, paths are as the program itself has them. Nothing here was read while a task was stopped.
 */
#ifndef TRACEWRAP_MODEL_STACK_H
#define TRACEWRAP_MODEL_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** How far a stack can be believed. */
enum stack_quality {
	STACK_NONE,    /* nothing could be had: `why` */
	STACK_EXACT,   /* the task did not run while it was read */
	STACK_MOVING,  /* it ran meanwhile, at each try */
	STACK_PARTIAL, /* what there is was read while it stood still, and the rest could not be: `why` */
};
const char *stack_quality_name(enum stack_quality quality); /* "none", "exact", "moving", "partial" */

enum frame_kind { FRAME_PYTHON, FRAME_NATIVE };

/** Whose code a frame is: what a reader wants to see, and what may be folded. */
enum frame_owner {
	FRAME_OWN,     /* the user's */
	FRAME_LIBRARY, /* standard library, site-packages, shared objects */
	FRAME_RUNNER,  /* pytest, pluggy, and how they were started */
	FRAME_GLUE,    /* the interpreter calling itself */
};
const char *frame_owner_name(enum frame_owner owner); /* "own", "library", "runner", "glue" */

struct frame {
	enum frame_kind kind;
	enum frame_owner owner;
	const char *function; /* qualified where the interpreter has that, demangled; NULL: not known */
	const char *file;     /* Python: co_filename. Native: the mapped file's path; NULL: not known */
	int line;             /* 0: none, or not known */
	uint64_t address;     /* native: where in that file (its own addresses, as nm shows them) it goes on; 0: Python */
	const char *source;   /* the line itself, trimmed; NULL: the file can't be read, or is newer than the process */
};

enum lock_kind { LOCK_NONE, LOCK_LOCK, LOCK_RLOCK, LOCK_SEMLOCK, LOCK_JOIN, LOCK_GIL, LOCK_MUTEX, LOCK_PARKED };
const char *lock_kind_name(enum lock_kind kind); /* "", "Lock", "RLock", "multiprocessing lock", "join", "GIL", "mutex", "parked" */

/** Who can let a waiter go on. */
struct lock_owner {
	pid_t pid, tid;
	bool exact;         /* the lock itself says so. Else inferred from a `with` block that the owner is in */
	const struct frame *at; /* inferred: the frame that is in the `with`, with the line of that where it can be told (3.11
				 * on). Exact: the frame that is in a `with` of it, else where it stands. NULL: not known */
};

/** The lock that a task waits for. The same `address` in two tasks of a process is the same lock; across processes, `shared`. */
struct lock_wait {
	enum lock_kind kind; /* LOCK_NONE: it waits for none, or for none that is known */
	const char *type;    /* as Python calls it: "_thread.lock", "multiprocessing.synchronize.Lock"; NULL */
	uint64_t address;    /* of the object; 0: none */
	const char *shared;  /* "MAJ:MIN:INODE+OFFSET" of the mapping that its word lies in; NULL: private */
	struct lock_owner *owners;
	size_t nowners;
	bool signal;      /* nobody holds it: somebody sets, fills or notifies it (Event, Queue, Condition) */
	bool only_owners; /* nobody but these can let the waiter go on, as far as the lock tells: exact, and fit for a proof */
	bool owner_gone;  /* the lock names an owner that is no thread of its process: it was left behind when that was forked */
};

/** One thread's stack. */
struct stack {
	pid_t tid;
	uint64_t runs;        /* how often it had been put on a CPU when it was read (see task.runs); 0: not known */
	enum stack_quality quality;
	const char *why;      /* why it is not exact, or not whole; NULL */
	struct frame *frames; /* innermost first; Python frames with native ones between them where both could be joined */
	size_t nframes;
	struct frame *native; /* where they could not: the native stack beside it */
	size_t nnative;
	struct lock_wait lock;
	int service_fd;       /* it is in the read loop of this one descriptor and, as its stack shows, touches no other; -1 */
	const char *service;  /* what kind of loop, for the reader ("execnet receiver"); NULL */
};

enum async_state { ASYNC_SUSPENDED, ASYNC_RUNNING, ASYNC_CREATED };

/** A task of an event loop, or a coroutine without one. */
struct async_task {
	const char *library; /* "asyncio", "trio"; "": a coroutine that no task runs, or an async generator at its yield */
	const char *name;    /* "" */
	uint64_t id;         /* address of the object */
	uint64_t parent;     /* trio: whose nursery it lives in; 0: none, or not known */
	enum async_state state;
	struct frame *frames; /* innermost first: what it awaits at last comes first, its own function last */
	size_t nframes;
	const char *awaits;   /* in words, what the innermost awaits: "Event.wait", "Task 'b'", "Future"; NULL */
	uint64_t *waits_for;  /* ids of tasks that it awaits */
	size_t nwaits_for;
	int fd;               /* the descriptor that it waits for; -1 */
	bool fd_writes;       /* ... to become writable */
	pid_t child;          /* the process whose end it awaits; 0 */
};

/** All of one process. */
struct process_stacks {
	const char *python;  /* "3.11.7"; NULL: no interpreter that we know */
	const char *why;     /* why there are no Python frames, in a sentence, where one would expect them; NULL */
	const char *actor;   /* tractor: the actor's name; NULL */
	pid_t gil_holder;    /* tid; 0: nobody, or not known */
	bool free_threaded;
	struct stack *threads; /* in the order of tids, ascending */
	size_t nthreads;
	struct async_task *tasks;
	size_t ntasks;
	const char *tasks_cut; /* why that list is not whole; NULL: it is, or nobody asked */
};

/** One process as a JSON object (docs/stacks.md). */
struct text;
void stacks_write(struct text *t, pid_t pid, const struct process_stacks *p);
/** A copy, all of it, in ARENA. NULL for NULL. */
struct arena;
struct process_stacks *stacks_copy(struct arena *arena, const struct process_stacks *p);
const struct stack *stacks_of_thread(const struct process_stacks *p, pid_t tid); /* NULL: none was read; P may be NULL */

#endif
