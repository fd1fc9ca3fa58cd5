/* state: what observe keeps between two looks. Private to the room.
 *
 * The table has a row for each process of the tree and, in it, one for each of its tasks. A task's row keeps what it was
 * seen to be blocked in (`struct look`), good for as long as its counter stands still; a process's row keeps its descriptors
 * and the like (`struct details`), good while all of its tasks sleep on with the same counters.
 */
#ifndef TRACEWRAP_OBSERVE_STATE_H
#define TRACEWRAP_OBSERVE_STATE_H

#include "observe/observe.h"
#include "parse/parse.h"

/** Room for a path below /proc with three numbers. */
typedef char proc_path[80];

struct fd_way {
	int fd;
	unsigned way;
};

/** What one task is blocked in, by its own state, call and memory. Objects come later. */
struct look {
	bool valid; /* it slept when it was looked at, and has not run since */
	uint64_t runs;
	int64_t asleep_ns; /* when it was first seen asleep: it can't have done anything since */
	char state;
	char comm[32];
	int call; /* -1: none */
	uint64_t args[6];
	enum wait_op op;
	const char *why;     /* static text, as wait.why */
	int64_t deadline_ns; /* NEVER_NS: no timeout */
	struct fd_way *fds;
	size_t nfds;
	bool takes_alarm;
};

struct seen_task {
	pid_t tid;
	int fd;       /* kept, on the counter's file; -1: opened anew for each read */
	bool known;   /* `runs` was read */
	bool refused; /* its counter may not be read */
	bool moved;   /* since the last pass */
	bool has_kids; /* it made children that live: its end may be a signal to them (PR_SET_PDEATHSIG(2const)) */
	uint64_t runs;
	int64_t moved_ns;
	unsigned streak; /* passes in a row that saw it move */
	/* known.c: what its stack has told, good while a counter stands at known_runs: its own, or that of gil_holder */
	const char *idle; /* an idle helper thread of a library: whose; static */
	bool idle_again; /* it waits again and again: it may tick, and be none the less idle */
	int64_t ticks_since_ns; /* the same: it has done nothing else since, but if another thread has moved */
	pid_t gil_holder; /* it waits for the interpreter's lock, which this thread has; 0: not known to */
	uint64_t known_runs;
	uint64_t answered_runs; /* its stack had nothing to tell when its counter stood there */
	struct look look;
};

struct seen_fd {
	int fd;
	unsigned ends;
	enum link_kind kind;
	bool fifo, named, folder;
	bool notifies;  /* by a signal: O_ASYNC, or a lease (fcntl(2)) */
	uint64_t id;    /* pipe, socket, FIFO: inode; terminal: index; eventfd: its id, UINT64_MAX when not told */
	uint64_t inode; /* as fdinfo tells it */
	uint64_t device;/* FIFO */
	size_t name;    /* offset in details.names */
};

struct details {
	bool valid;      /* read while all tasks slept, and none has run since */
	bool shares_fds; /* with another process (CLONE_FILES): never valid for long */
	bool readable, foreign_net;
	pid_t lead;      /* a living task to read through; 0: none */
	struct status_lines status;
	bool posix_timers, has_ring, has_aio, file_signals;
	VEC(struct seen_fd) fds;
	struct text names;
	struct text cmdline;
};

struct seen_process {
	pid_t pid;
	uint64_t start_ticks;
	bool hidden; /* listed as a child, but /proc does not show it */
	bool moved, ended;
	unsigned listed; /* the walk that last saw it in a list of children */
	int64_t seen_ns, noted_ns; /* first seen; when history was last told (0: never) */
	struct stat_line stat;
	VEC(struct seen_task) tasks;
	VEC(pid_t) kids;
	struct details details;
	uint64_t environ_at, environ_image; /* address of `environ`, 0: none; of which image */
	int environ_tries;
	int64_t zombie_asked_ns; /* when it was last asked whether it is one */
	int64_t test_asked_ns, test_wait_ns; /* when its current test was last read, how long until the next try; 0: it has had one */
	bool runs_tests;
	bool test_ran; /* it was running when it was asked: no counter tells what it did until it slept */
};

struct alarm_seen {
	struct timer_entry entry;
	int64_t absent_ns; /* when a read began that did not show it: it was armed later. NEVER_NS: before the run */
	int64_t seen_ns;   /* the last read that showed it */
};

struct ended {
	pid_t pid;
	uint64_t start_ticks;
};

/** Where a file has `environ`. */
struct symbol {
	uint64_t device, inode, changed_ns;
	uint64_t offset; /* from where its first page is mapped; 0: it has none */
};

struct observe {
	struct observe_options opt;
	int proc_fd;     /* /proc */
	int fd_limit;    /* descriptors above are not kept */
	uint64_t own_image; /* start of our own stack, which the command has too until its exec */
	bool by_status;  /* schedstat is not counted here: the switches of status serve */
	int64_t boot_offset_ns; /* from CLOCK_MONOTONIC to CLOCK_BOOTTIME, in which start times are */
	int64_t ns_per_tick;
	ino_t net_ns;
	VEC(struct seen_process *) procs;
	struct idmap *by_pid;
	VEC(pid_t) strangers; /* who of outside holds an object of the tree, at the last snapshot; from_outside alone */
	VEC(struct ended) ended; /* to be told to history */
	uint64_t generation, generation_told; /* of the set of tasks */
	unsigned walk;
	int64_t walked_ns, moved_ns;
	int64_t changed_ns; /* the set of tasks changed */
	VEC(struct alarm_seen) alarms;
	bool alarms_known;
	int64_t alarms_read_ns, alarms_cost_ns; /* when the last read began, what it took */
	int64_t alarms_shown_ns, alarms_shown_before_ns; /* when the last two reads began */
	VEC(struct symbol) symbols;
	bool saw_hidden, no_diag, no_kcmp, no_timers_file, blind_outside;
	const char *spots[16];
	int64_t tests_again_ns; /* readings of current tests have cost enough until then */
	struct idmap *sockets; /* inode of a socket with a path -> how often its holder was looked for */
	struct text scratch;
	int_vec numbers;
};

/* ---- table.c ---- */

struct seen_process *table_find(const struct observe *ob, pid_t pid);
void table_free(struct observe *ob);
/** Read the counters of all tasks; those that ran are marked. */
int table_count(struct observe *ob, int64_t now_ns, struct err *err);
/** The supervisor's own children. */
int table_walk_top(struct observe *ob, int64_t now_ns, struct err *err);
/** List tasks and children anew: of those that moved, or of all. Each new process is followed, too. */
int table_walk(struct observe *ob, int64_t now_ns, bool all, struct err *err);
/** Take out what has ended. */
void table_purge(struct observe *ob);
/** Read one counter. @return 0, SYS_GONE, SYS_DENIED, -errno. */
int task_count(struct observe *ob, const struct seen_process *p, const struct seen_task *t, uint64_t *runs);

/* ---- look.c, calls.c ---- */

/** Bring T's look up to date. Afterwards it is valid, or T runs, moves or is gone (`op` is WAIT_RUN and `why` says which). */
void look_task(struct observe *ob, struct seen_process *p, struct seen_task *t);
void look_free(struct look *l);
/** Fill op, why, deadline, descriptors of a task that sleeps in a system call. */
void look_decode(pid_t pid, pid_t tid, struct look *l);
/** The `why` of a look at a call that is in no row. */
extern const char look_unknown_call[];
/** Timeout of a blocking read or write of FD that no argument tells (sockets, terminals). @return ns, NEVER_NS; -1: refused. */
int64_t look_hidden_timeout(pid_t pid, pid_t tid, int fd, unsigned way);

/* ---- known.c ---- */

/** Who has the interpreter's lock that T, a task of P, waits for, and has not run since; NULL: T may move for all that is known. */
const struct seen_task *known_holder(struct seen_process *p, const struct seen_task *t);
/** Whose idle helper thread T is, and has not run since; NULL. */
const char *known_idle(const struct seen_task *t);
/** It was an idle helper thread that only waits again and again, and has not moved since but for moments. Good for nothing but to say when to
 *  look: the next look asks its stack. */
bool known_ticks(const struct seen_task *t);
/** Every pass sees it move. */
bool known_restless(const struct seen_task *t);

/* ---- details.c ---- */

/** Bring P's details up to date. */
void details_read(struct observe *ob, struct seen_process *p);
void details_free(struct details *d);

/* ---- notices.c ---- */

/** May a file of P, whose details are in D, send a signal? */
bool notices_may_come(const struct seen_process *p, const struct details *d);

/* ---- spots.c ---- */

/** Make the list of what can't be seen anew. */
void spots_list(struct observe *ob);

/* ---- alarms.c ---- */

/** Read the armed timers now. */
void alarms_read(struct observe *ob);
/** Take TEXT as what was armed before the run. */
void alarms_baseline(struct observe *ob, const char *text, size_t len);
/** True when it is time to read again while the tree is active. */
bool alarms_due(const struct observe *ob, int64_t now_ns);
/** Time from NOW_NS to the first alarm that may be of a process that last acted at ACTED_NS at the latest; NEVER_NS. */
int64_t alarms_until(const struct observe *ob, int64_t acted_ns, int64_t now_ns);

#endif
