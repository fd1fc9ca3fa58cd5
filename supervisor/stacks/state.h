/* Private to stacks/: one reading of some processes, and what is kept of files between readings. */
#ifndef TRACEWRAP_STACKS_STATE_H
#define TRACEWRAP_STACKS_STATE_H

#include "image/image.h"
#include "parse/parse.h"
#include "python/python.h"
#include "stacks/stacks.h"
#include "sys/sys.h"

/* ---- files.c: files that are mapped somewhere ---- */

/** What a file has of CPython, in its own addresses; 0: it has no such symbol. */
struct python_symbols {
	bool known;    /* it has a _PyRuntime */
	bool by_section;
	uint64_t runtime, runtime_size, version, code_type, coro_type, gen_type, async_gen_type, method_type;
	char literal[16]; /* "3.9.18"; "": not looked for, or none */
};

/** A file, known by device and inode as /proc/PID/maps shows them. */
struct file {
	char key[48];
	void *bytes;     /* a copy: a file that is cut short while it is mapped would end us. NULL: can't be read */
	size_t size;
	struct elf *elf; /* NULL: no ELF file of this machine, or it can't be read: `why` */
	struct err why;
	pid_t failed_for; /* it could not be opened by way of this process; 0: it was */
	struct timespec changed; /* when it was last written to, as it was opened */
	bool symbols_read, asyncio_read, rest_read, whole;
	struct python_symbols python;
	uint64_t asyncio; /* section .AsyncioDebug; 0: none */
};

struct stacks {
	struct strmap *by_key;
	VEC(struct file *) files;
	struct file none; /* what can't be opened */
	uint64_t copied;  /* bytes of all files */
	void *native; /* of stacks/native*.c; freed by stacks_native_free() */
};

struct process_read;
/** The file of a mapping, opened at the first time it is seen: never NULL. */
struct file *file_of(struct process_read *p, const struct mapping *m);
/** A file of debugging data by its path, as the process sees it or else as we do; kept, too. Never NULL: without an elf where there is none. */
struct file *file_at(struct process_read *p, const char *path);
/** Have all of it that is of use, not only what the dynamic loader needs: before natives ask f->elf, which may be another one then.
 *  @return false: it is no ELF file, or can't be had any more. */
bool file_whole(struct process_read *p, const struct mapping *m, struct file *f);
/** NAME: the file's own, without folders. */
const struct python_symbols *file_python(struct process_read *p, const struct mapping *m, struct file *f, const char *name);
uint64_t file_asyncio(struct file *f);
void files_free(struct stacks *st);

/* ---- one reading ---- */

enum { STACKS_TRIES = 3 };

/** A thread. */
struct thread_read {
	pid_t tid;   /* as /proc has it */
	pid_t inner; /* as the process itself has it */
	bool settled; /* it did not run while its stack was read, or ran at each try */
	enum stack_quality quality;
	const char *why;
	uint64_t runs;               /* before it was read */
	bool has_call;               /* it is in `call` */
	struct syscall_line call;    /* before it was read; the same afterwards where the quality is exact */
	char call_text[256];         /* the line as it was */
	const struct python_thread *state; /* NULL: it has none */
	struct python_frame *python; /* its Python frames, innermost first */
	size_t npython;
	const char *python_why;      /* NULL: all of them */
	bool python_cut;             /* there are more than are read, and those are right */
	struct frame *native;        /* by stacks_native() */
	const char *native_why;      /* what the native stack lacks, or why the two could not be joined; NULL: nothing */
	size_t nnative;
	struct frame *merged;        /* both in one, by stacks_native(); NULL: they could not be joined, or nobody asked */
	size_t nmerged;
	const char *service;
	int service_fd;
	void *own;                   /* of stacks/native*.c, in the arena */
};

/** A process. */
struct process_read {
	struct stacks *st;
	struct arena *arena;
	const struct stacks_options *opt;
	pid_t pid, inner;
	int dir_fd;                  /* /proc/PID: keeps meaning this process */
	bool gone;
	struct process_stacks *out;
	struct memory *memory;       /* NULL: it is gone, or may not be read */
	struct text maps_text;
	VEC(struct mapping) maps;    /* ascending */
	struct thread_read *threads;
	size_t nthreads;
	uint64_t asyncio;            /* section .AsyncioDebug of a module of its own; 0: none */
	struct python *py;           /* NULL: none, out->why */
	struct python_thread *states;
	size_t nstates;
	void *locks;                 /* of stacks/locks.c, in the arena */
	const char *cwd, *root_path; /* process_cwd(), process_path() */
	bool links_read;
	int64_t tasks_until_ns;      /* CLOCK_MONOTONIC: so long tasks may be looked for */
};

struct reading {
	struct stacks *st;
	struct arena *arena;
	const struct stacks_options *opt;
	struct process_read *processes;
	size_t n;
};

/* ---- process.c ---- */

/** @return false: it has ended, or may not be read: out->why. */
bool process_open(struct process_read *p);
void process_close(struct process_read *p);
/** Note T's counters and its call; whether it moved since. */
void thread_before(const struct process_read *p, struct thread_read *t);
bool thread_moved(const struct process_read *p, const struct thread_read *t);
/** What is mapped at ADDRESS; NULL: nothing. */
const struct mapping *mapping_at(const struct process_read *p, uint64_t address);
struct thread_read *thread_by_inner(const struct process_read *p, pid_t inner); /* NULL: none */

/* ---- interpreter.c ---- */

/** Find the interpreter and open it; else out->why, where one would expect it. */
void find_interpreter(struct process_read *p);

/* ---- claims.c ---- */

/** Whose thread a state is by its tid, by what lies on the threads' own stacks where several claim one. NULL: not known. */
struct thread_read *thread_of_state(struct process_read *p, const struct python_thread *state);

/* ---- threads.c ---- */

/** The Python frames of each task that is not settled yet. */
void read_python(struct process_read *p);
/** tid; 0: nobody who stands still. */
pid_t find_gil_holder(struct process_read *p);

/* ---- frames.c ---- */

/** The folder that it works in, as it sees it; NULL: not known. */
const char *process_cwd(struct process_read *p);
/** PATH of /proc/PID/maps as the process itself has it: without the folder that it was given as its root. NULL for NULL. */
const char *process_path(struct process_read *p, const char *path);
/** Frames of the model, with their owners, in the arena of P. */
struct frame *frames_of_python(struct process_read *p, const struct python_frame *frames, size_t n);

/* ---- what others fill in; called between two looks at the tasks' counters, for those that are not settled ---- */

/** native.c: t->native; joined with t->python, where it could be, in t->merged; t->native_why. */
void stacks_native(struct process_read *p, struct thread_read *t);
void stacks_native_free(struct stacks *st);
/** locks.c: what each task of P waits for, kept in p->locks; service loops. */
void stacks_locks(struct process_read *p);
/** After all processes were read and their frames are in p->out: the locks there, and owners, which point to frames. */
void stacks_locks_across(struct reading *r);
/** tasks.c: out->tasks and out->actor, once a process. */
void stacks_tasks(struct process_read *p);

#endif
