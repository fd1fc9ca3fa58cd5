/* python: what a CPython process is doing, told by its memory alone. 3.8 to 3.15, x86-64.
 *
 * Pure: all comes through a `struct memory`, what is made lies in an arena. Nothing that is read is believed: counts, lengths and
 * chains are bounded, types are checked where a wrong one would make a wrong tale, and an interpreter whose layout can't be
 * verified is refused with a sentence that says so. A read that fails ends its own chain.
 */
#ifndef TRACEWRAP_PYTHON_H
#define TRACEWRAP_PYTHON_H

#include "image/image.h"
#include "model/model.h"

enum { PYTHON_MOST_FRAMES = 400, PYTHON_MOST_THREADS = 10000 };

/** Where an interpreter lies: addresses in the process, 0: the file has no such symbol. */
struct python_where {
	const char *file;      /* name of the file that holds it, without folders: "python3.9", "libpython3.8.so.1.0" */
	const char *literal;   /* its version as the file has it, python_literal(); needed up to 3.10. NULL: none */
	uint64_t runtime;      /* _PyRuntime, or where the section .PyRuntime begins */
	uint64_t runtime_size; /* st_size, or the section's size; 0: not known, and then nothing is read */
	bool by_section;       /* it was the section, which may be padded */
	uint64_t version;      /* Py_Version */
	uint64_t code_type, coro_type, gen_type, async_gen_type, method_type; /* PyCode_Type ... */
	uint64_t asyncio;      /* section .AsyncioDebug, of this file or of _asyncio*.so */
	const pid_t *tids;     /* of its threads, as it numbers them itself (NSpid of proc_pid_status(5)); up to 3.10 */
	size_t ntids;
};

/** "3.9.18" where BYTES hold that as a C string, of minor version MINOR or, with -1, of any that we know.
 *  @return false: they don't. */
bool python_literal(const void *bytes, size_t size, int minor, char out[16]);
/** 9 for "python3.9", "libpython3.9.so.1.0", "python3.9d"; -1: the name tells none. */
int python_minor_of_name(const char *file);

/** An interpreter whose layout is known. Lies in the arena that it was opened with. */
struct python;
/** @return NULL with *WHY, a sentence in ARENA: not known, not what it should be, not readable. */
struct python *python_open(struct memory *m, struct arena *arena, const struct python_where *where, const char **why);
const char *python_version(const struct python *py); /* "3.11.7", "3.15.0rc1" */
bool python_free_threaded(const struct python *py);

/** A thread state. */
struct python_thread {
	uint64_t state, interpreter; /* addresses */
	int64_t interpreter_id;      /* 0: the main one */
	uint64_t ident;              /* threading.get_ident(): pthread_self() */
	pid_t tid;                   /* as the process's own PID namespace has it; 0: not known */
	uint64_t frame;              /* innermost; 0: no Python code runs in it */
};
/** All thread states of all interpreters, in the order in which they are found (newest first). Two may claim one tid: the state
 *  of a sub-interpreter keeps that of the thread which made it. *WHY: NULL, or why there may be more. */
size_t python_threads(struct python *py, struct python_thread **out, const char **why);

struct python_frame {
	uint64_t address, code;
	const char *function; /* qualified from 3.11 on; NULL: can't be read */
	const char *file;     /* co_filename */
	int line;             /* 0: none, as of code that the compiler made up */
	bool entry;           /* the interpreter's loop was entered anew for it: one native _PyEval_EvalFrameDefault a `true` */
};
/** The frames from FRAME outward, at most MOST of them. *WHY: NULL when the chain ended as it should, else what ended it. */
size_t python_frames(struct python *py, uint64_t frame, struct python_frame *out, size_t most, const char **why);

/** An address on the native stack of the very thread that runs T's innermost frame now, whatever T's tid says; 0: not known (3.8,
 *  3.9). */
uint64_t python_stack_place(struct python *py, const struct python_thread *t);

/** Which of THREADS holds the lock of the main interpreter (GIL). @return its index, -1: none of them, or nobody. */
long python_gil(struct python *py, const struct python_thread *threads, size_t n);

/* ---- locks.c: who waits for which lock, and who has it ---- */

/** A thread that is blocked in a futex wait (proc_pid_syscall(5)). */
struct python_blocked {
	size_t thread; /* index of its state */
	uint64_t stack_pointer;
	struct futex_call call;
};
/** A thread that has a lock. */
struct python_holder {
	size_t thread; /* index */
	long frame;    /* index of the innermost of its frames that is in a `with` of it; -1: none */
	int line;      /* of that `with`; 0: not known */
	bool exact;    /* the lock itself says so */
};
/** As struct lock_wait has it, with threads by index. LOCK_SEMLOCK: whose it is, is for all processes together to say:
 *  python_semlocks(). */
struct python_lock {
	enum lock_kind kind;
	const char *type;
	uint64_t address;
	uint64_t word; /* LOCK_SEMLOCK: of the semaphore; it may lie in shared memory */
	struct python_holder *holders;
	size_t nholders;
	bool signal, only_holders, holder_gone;
};
/** What each of BLOCKED waits for: as many rows, LOCK_NONE where it is no lock of Python's. */
struct python_lock *python_locks(struct python *py, const struct python_thread *threads, size_t n,
				 const struct python_blocked *blocked, size_t nblocked);

/** A _multiprocessing.SemLock: what this process knows of a semaphore that others may have objects of, too. */
struct python_semlock {
	uint64_t object, word;
	bool single;    /* there is one to take: multiprocessing.Lock, RLock */
	bool recursive; /* and only who took it may give it back: RLock */
	int32_t count;  /* how often it was taken through this object, less the times it was given back */
	long thread;    /* who took it last; -1: nobody who lives */
	struct python_holder *holders; /* who is in a `with` of it */
	size_t nholders;
};
/** Those that the frames of THREADS have in hand, in `with` blocks, as globals, and those of HINTS: addresses that they have in
 *  another process, for a fork keeps them. */
size_t python_semlocks(struct python *py, const struct python_thread *threads, size_t n, const uint64_t *hints, size_t nhints,
		       struct python_semlock **out);

/* ---- service.c ---- */

/** Is all that FRAMES (innermost first) show the loop of a helper thread that is known here, waiting for its next piece of work?
 *  "execnet receiver"; NULL: no. *READS: it reads one descriptor, the one that its system call is about, and touches no other. */
const char *python_service(const struct python_frame *frames, size_t n, bool *reads);

/* ---- pytest.c ---- */

/** A stretch of the wall clock, in ns since the epoch. */
struct python_moment {
	int64_t from_ns, to_ns;
	const char *test; /* out: the node id of the one test that ran all the time between; NULL: none, or not known */
};
/** Which test ran at each of AT, which lie before NOW_NS. Some hundred reports are read for each, however many there are.
 *  @return false: THREADS run no tests of a pytest that keeps reports of them (a worker of xdist keeps none), or it can't be told. */
bool python_pytest_tests(struct python *py, const struct python_thread *threads, size_t n, int64_t now_ns,
			 struct python_moment *at, size_t nat);

/* ---- tasks.c: async tasks ---- */

/** How long the search for tasks may go on. */
struct python_tasks_limit {
	bool (*go_on)(void *who); /* asked every few thousand objects; NULL: it may */
	void *who;
};
/** Tasks of asyncio and trio that have not ended, coroutines that no task runs, async generators at their yield. The frames'
 *  `owner` and `source` are left to the caller; `child` is a number of the process's own PID namespace. *CUT: why there may be
 *  more, or NULL. LIMIT may be NULL. */
size_t python_tasks(struct python *py, const struct python_tasks_limit *limit, struct async_task **out, const char **cut);
/** The name of the tractor actor that the process is; NULL: none. */
const char *python_actor(struct python *py);

#endif
